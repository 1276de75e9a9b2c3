from random import Random

import pytest

from triptych import OverloadedError, ProtocolError, ServerError, TooLargeError
from triptych.transports.wording import first_line, meaning

TRACEBACK = 'Traceback (most recent call last):\n  File "/models/model.py", line 3, in execute\nKeyError: 7'
REGION = "triton_python_backend_shm_region_4f2a"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("broken", "broken"),
        ("  first \nsecond", "first"),
        ("first\r\nsecond", "first"),
        ("", "the server gave no reason"),
        (None, "the server gave no reason"),
        (" \n ", "the server gave no reason"),
        (TRACEBACK, "the server gave no reason"),
        (f"it failed: {TRACEBACK}", "it failed:"),
        (f"it failed\n{TRACEBACK}", "it failed"),
        ('  File "/models/model.py", line 3', "the server gave no reason"),
        ("x" * 500, "x" * 320 + "…"),
        ("expected 'IMAGE'", "expected 'IMAGE'"),
        ("Unable to open shared memory region: 'secret'", "Unable to open shared memory region: '…'"),
        ('Shared memory region "secret" exists', "Shared memory region '…' exists"),
        (
            f"Failed to increase the shared memory pool size for key '{REGION}' to 67108864 bytes. If you are running "
            "Triton inside docker, use '--shm-size' flag to control the shared memory region size. "
            "Error: No space left on device",
            "Failed to increase the shared memory pool size for key '…' to 67108864 bytes. If you are running "
            "Triton inside docker, use '--shm-size' flag to control the shared memory region size. "
            "Error: No space left on device",
        ),
        ("shared memory 'a', use '--shm-size' or 'b'", "shared memory '…', use '--shm-size' or '…'"),
        ("word " * 100, "word " * 63 + "word…"),
        (f"failed to map {REGION}: no space", "failed to map …: no space"),
        ("no space left for /dev/shm/secret now", "no space left for … now"),
    ],
)
def test_one_line_of_a_server_s_words_is_shown(message: str | None, shown: str) -> None:
    assert first_line(message) == shown


def test_no_traceback_and_no_region_is_ever_shown() -> None:
    draw = Random(1)  # noqa: S311
    parts = [
        TRACEBACK,
        "Traceback (most recent call last):",
        '  File "/models/model.py", line 3',
        "shared memory",
        "'secret'",
        '"secret"',
        "/dev/shm/secret",  # noqa: S108
        REGION,
        f"'{REGION}'",
        "failed",
        "",
    ]
    for _ in range(5000):
        message = "".join(
            draw.choice(parts) + draw.choice([" ", "\n", ": ", "\r\n"]) for _ in range(draw.randrange(1, 6))
        )
        line = first_line(message)
        assert len(line.splitlines()) == 1
        assert not any(word in line for word in ("Traceback", "/models", REGION, "/dev/shm"))  # noqa: S108
        if "shared memory" in line:
            assert "secret" not in line


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("in ensemble: Stub process 'classifier_0' is not healthy.", ServerError),
        ("Failed to process the request; stub process is unhealthy", ServerError),
        ("Exceeds maximum queue size", OverloadedError),
        ("Received message larger than max (5 vs. 4)", TooLargeError),
        ("SERVER: Received message larger than max (5 vs. 4)", TooLargeError),
        ("Stream removed (CLIENT: Received message larger than max (5 vs. 4))", ProtocolError),
        ("something else", None),
        ("", None),
    ],
)
def test_some_words_say_more_than_the_status(words: str, kind: type[Exception] | None) -> None:
    found = meaning(words)
    error = found(words) if found else None
    assert (type(error) if error else None) is kind
    assert isinstance(error, ServerError) is (kind is ServerError)
    assert getattr(error, "lasting", False) is (kind is ServerError)


@pytest.mark.parametrize("words", ["\x1b[2J\x1b]0;owned\x07 gone", "gone\u202e\x85", "\ud800"])
def test_nothing_that_a_terminal_obeys_is_shown(words: str) -> None:
    assert first_line(words).isprintable()
