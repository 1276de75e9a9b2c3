"""What a signature says: the files that were signed, read out of a Model Signing bundle.

Bundle: https://docs.sigstore.dev/about/bundle/, around a DSSE envelope, around an in-toto statement.
"""

import base64
import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from triptych_ops.errors import RefusedError


class _Part(BaseModel):
    # Nothing besides these: under a second spelling of a key, other files could be verified than are read here.
    model_config = ConfigDict(extra="forbid")


class _Envelope(_Part):
    payload: str  # base64
    payloadType: str  # noqa: N815  the format's own names
    signatures: list[object]


class _Bundle(_Part):
    mediaType: str  # noqa: N815
    verificationMaterial: dict[str, object]  # noqa: N815
    dsseEnvelope: _Envelope  # noqa: N815


class _Serialization(BaseModel):
    method: Literal["files"]
    hash_type: Literal["sha256"]


class _Resource(BaseModel):
    name: str
    algorithm: Literal["sha256"]
    digest: str


class _Predicate(BaseModel):
    serialization: _Serialization
    resources: list[_Resource]


class _Statement(BaseModel):
    predicateType: Literal["https://model_signing/signature/v1.0"]  # noqa: N815
    predicate: _Predicate


def signed_files(bundle: bytes, *, source: str) -> Mapping[str, str]:
    """Path below the release's folder -> SHA-256 in hex, as a signature says; nothing is verified.

    `source` names the signature in errors.

    Raises:
        RefusedError: it is no signature of whole files by SHA-256.
    """
    try:
        # By the parsers that Model Signing reads it with, so that both see the same.
        envelope = _Bundle.model_validate(json.loads(bundle)).dsseEnvelope
        payload = base64.b64decode(envelope.payload, validate=True)
        statement = _Statement.model_validate(json.loads(payload))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise _unreadable(source, f"{where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(source, str(error)) from error
    return {resource.name: resource.digest for resource in statement.predicate.resources}


def _unreadable(source: str, reason: str) -> RefusedError:
    return RefusedError(f"{source} is no signature of a release: {reason}; sign the release again")
