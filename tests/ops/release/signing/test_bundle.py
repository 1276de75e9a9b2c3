"""`release.sig`: what is no signature, or one that was changed."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from triptych_ops.errors import RefusedError
from triptych_ops.release.signing import (
    SIGNATURE,
    Trust,
)

from .conftest import MANIFEST, put


def bundle_with(bundle: bytes, path: tuple[str, ...], value: object) -> bytes:
    """The signature with one part of it replaced; None removes it."""
    document = json.loads(bundle)
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    if value is None:
        del part[path[-1]]
    return json.dumps(document).encode()


def payload_with(bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    payload = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    change(payload)
    encoded = base64.b64encode(json.dumps(payload).encode()).decode()
    return bundle_with(bundle, ("dsseEnvelope", "payload"), encoded)


ENVELOPE = ("dsseEnvelope",)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"\xff\xfe", id="no text"),
        pytest.param(lambda _: b"[]", id="a list"),
        pytest.param(lambda _: b"{}", id="an empty object"),
        pytest.param(lambda _: b"[" * 100_000, id="nested deeply"),
        pytest.param(lambda bundle: bundle[: len(bundle) // 2], id="cut off"),
        pytest.param(lambda bundle: bundle_with(bundle, ENVELOPE, None), id="no envelope"),
        pytest.param(lambda bundle: bundle_with(bundle, ENVELOPE, "x"), id="an envelope of text"),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "payload"), "%%%"), id="payload not base64"),
        pytest.param(
            lambda bundle: bundle.replace(b'"payload":"', b'"payload":"!').replace(b'"payload": "', b'"payload": "!'),
            id="payload with a sign between",
        ),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "payload"), "e30="), id="an empty payload"),
        pytest.param(lambda bundle: bundle_with(bundle, ("dsse_envelope",), {}), id="a second envelope"),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "payload_type"), "x"), id="a second type"),
        pytest.param(
            lambda bundle: payload_with(bundle, lambda at: at["predicate"]["serialization"].update(method="shards")),
            id="of shards",
        ),
        pytest.param(
            lambda bundle: payload_with(bundle, lambda at: at.update(predicateType="x")), id="of something else"
        ),
    ],
)
def test_a_file_that_is_no_signature_is_refused(signed: Path, trust: Trust, damage: Callable[[bytes], bytes]) -> None:
    trust.require(signed, number=7)
    put(signed, damage((signed / SIGNATURE).read_bytes()))
    with pytest.raises(RefusedError, match="is no signature of a release") as caught:
        trust.require(signed, number=7)
    assert str(caught.value).startswith(str(signed / SIGNATURE))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "signatures"), []), id="no signature"),
        pytest.param(lambda bundle: bundle_with(bundle, (*ENVELOPE, "signatures"), [{"sig": "AA=="}]), id="a bad one"),
        pytest.param(lambda bundle: bundle_with(bundle, ("mediaType",), "x"), id="another format"),
        pytest.param(lambda bundle: bundle_with(bundle, ("verificationMaterial",), {}), id="no key"),
        pytest.param(lambda bundle: payload_with(bundle, lambda at: at.update(_type="x")), id="another statement"),
        pytest.param(lambda bundle: payload_with(bundle, lambda at: at["subject"][0].update(name="8")), id="a name"),
    ],
)
def test_a_signature_that_was_changed_is_refused(signed: Path, trust: Trust, damage: Callable[[bytes], bytes]) -> None:
    put(signed, damage((signed / SIGNATURE).read_bytes()))
    with pytest.raises(RefusedError, match="release 7 is not signed by the key") as caught:
        trust.require(signed, number=7)
    assert "object has no attribute" not in str(caught.value)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda path: path.symlink_to(path.parent / MANIFEST), id="link"),
        pytest.param(lambda path: path.symlink_to("nowhere"), id="link to nothing"),
        pytest.param(os.mkfifo, id="fifo"),
        pytest.param(lambda path: path.mkdir(), id="folder"),
        pytest.param(lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 40), id="a terabyte"),
    ],
)
def test_only_a_plain_small_file_is_read_as_a_signature(
    signed: Path, trust: Trust, place: Callable[[Path], object]
) -> None:
    (signed / SIGNATURE).unlink()
    place(signed / SIGNATURE)
    with pytest.raises(RefusedError, match="is a link, a special file or too large"):
        trust.require(signed, number=7)


def test_an_old_signature_without_a_hint_of_its_key_says_nothing_on_stdout(
    signed: Path, trust: Trust, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = (signed / SIGNATURE).read_bytes()
    put(signed, bundle_with(bundle, ("verificationMaterial", "publicKey"), {}))
    trust.require(signed, number=7)
    assert capsys.readouterr() == ("", "")
