"""A record says what was run, and no secret."""

import pytest

from loadtests.records import masked


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["--header", "x-api-key=hunter2"], "--header x-api-key=***"),
        (["--header=x-api-key=hunter2"], "--header=x-api-key=***"),
        (["--header", "Authorization: Bearer hunter2"], "--header Authorization:***"),
        (["-H", "cookie: hunter2=hunter2"], "-H cookie:***"),
        (["--api-key", "hunter2"], "--api-key ***"),
        (["--token=hunter2"], "--token=***"),
        (["--url", "https://user:hunter2@host:8443/v2"], "--url https://***@host:8443/v2"),
        (["--url", "https://host/v2?sig=hunter2&a=hunter2"], "--url https://host/v2?***"),
        (["--set", "image.tag=3,db.password=hunter2"], "--set image.tag=3,db.password=***"),
        (["--", "env", "AWS_SECRET_ACCESS_KEY=hunter2", "helm"], "-- env AWS_SECRET_ACCESS_KEY=*** helm"),
    ],
)
def test_what_may_be_a_secret_is_masked(given: list[str], kept: str) -> None:
    command = masked(["/opt/venv/bin/triptych", "loadtest", "run", *given])
    assert " ".join(command) == f"triptych loadtest run {kept}"
    assert "hunter2" not in " ".join(command)


def test_what_is_no_secret_stays() -> None:
    """Control: all of this is needed to run it again."""
    given = ["spike", "--rate", "4", "--seconds", "20", "--picture", "jpeg:500x375=3", "--url", "grpc://host:8001"]
    assert masked(["triptych", *given]) == ("triptych", *given)
    assert masked([]) == ()
