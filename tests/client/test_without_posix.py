"""The SDK where Python lacks what only POSIX systems or Linux have, as on Windows."""

from pathlib import Path

import pytest

from processes import python
from triptych.testing import FakeServer

WITHOUT_POSIX = """
import asyncio, os, select, selectors, socket, sys
import grpc, grpc.aio, numpy, tritonclient.grpc  # which have their own ways on other platforms
import concurrent.futures.thread, logging, multiprocessing, random

for module, names in {
    os: "register_at_fork fork forkpty O_NONBLOCK O_CLOEXEC sched_getaffinity getuid geteuid getgid uname getloadavg "
        "set_blocking killpg getpgid setsid nice mkfifo statvfs",
    select: "poll",
    socket: "TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_USER_TIMEOUT SO_REUSEPORT MSG_DONTWAIT",
}.items():
    for name in names.split():
        vars(module).pop(name, None)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None

from triptych import AsyncClient, Client
from triptych.testing import label

url, path = sys.argv[1:]
large = bytes(8_000_000)  # more than fits into a socket at once
with Client(url) as client:
    for image in (b"image", large, path):
        body = open(image, "rb").read() if image is path else image
        assert client.classify(image).top.label == label(body)
    assert [each.top.label for each in client.classify_many([b"0", b"1", b"2"], batch_size=1)] == [
        label(b"0"), label(b"1"), label(b"2")]
    client.classify(b"again")

async def ask():
    async with AsyncClient(url) as client:
        return (await client.classify(path)).top.label

print(asyncio.run(ask()) == label(open(path, "rb").read()))
"""


def test_calls_need_nothing_that_only_posix_has(url: str, server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"an image in a file")
    server.answer_s = 0.05
    assert python(WITHOUT_POSIX, url, path) == "True\n"


@pytest.mark.parametrize("statement", ["import os", "import select"])
def test_the_names_are_really_gone(statement: str) -> None:
    gone = WITHOUT_POSIX.partition("from triptych")[0]
    print_them = (
        f"{statement}\nprint([n for n in ('register_at_fork', 'O_NONBLOCK', 'poll') if n in vars({statement[7:]})])"
    )
    assert python(gone + print_them) == "[]\n"
