"""What s3fs and botocore raise -> the tooling's errors, each one line.

FileNotFoundError of a key stays: only the caller knows whether that is a failure.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientPayloadError
from botocore import exceptions

from triptych_ops.errors import MissingError, OpsError, TimedOutError, UsageError

TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}  # answers to a conditional put
# Of an answer that began well. Before that, botocore tries again by itself.
BROKEN_OFF = (exceptions.ResponseStreamingError, exceptions.IncompleteReadError, ClientPayloadError)
_NO_BUCKET = "NoSuchBucket"
_UNKNOWN_KEY = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}

_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_ENDPOINT = "check AWS_ENDPOINT_URL and the network"

# First match wins: error of botocore, ours, what happened, what to do.
_BOTOCORE: tuple[tuple[type[Exception], type[OpsError], str, str], ...] = (
    (exceptions.NoCredentialsError, OpsError, "there are no credentials for {location}", _CREDENTIALS),
    (exceptions.PartialCredentialsError, OpsError, "the credentials for {location} are incomplete", _CREDENTIALS),
    (exceptions.CredentialRetrievalError, OpsError, "there are no credentials for {location}", _CREDENTIALS),
    (exceptions.ProfileNotFound, UsageError, "{error}", "check AWS_PROFILE"),
    (exceptions.ParamValidationError, UsageError, "{location} is no valid name of a bucket", "check --store"),
    (exceptions.SSLError, OpsError, "{endpoint} does not speak TLS as it should: {error}", _ENDPOINT),
    (exceptions.ReadTimeoutError, TimedOutError, "{endpoint} does not answer", _ENDPOINT),
    (exceptions.ConnectTimeoutError, TimedOutError, "{endpoint} does not answer", _ENDPOINT),
    (exceptions.ConnectionError, OpsError, "{endpoint} cannot be reached for {location}", _ENDPOINT),
    (exceptions.HTTPClientError, OpsError, "the connection to {endpoint} broke: {error}", "try again"),
    (exceptions.BotoCoreError, OpsError, "{location}: {error}", _ENDPOINT),
)


def code(error: BaseException) -> str:
    """The object store's own code for an error of s3fs, empty where it has none."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def endpoint() -> str | None:
    """The URL of the object store that the environment names; None for that of AWS."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


@contextmanager
def translated(location: str, bucket: str) -> Iterator[None]:
    """Raise the tooling's error for one of s3fs, with the cause chained."""
    try:
        yield
    except OpsError:
        raise
    except exceptions.BotoCoreError as error:
        raise _of_botocore(error, location) from error
    except OSError as error:
        if (mapped := _of_answer(error, location, bucket)) is not None:
            raise mapped from error
        raise
    except ValueError as error:  # botocore's, of an endpoint that is no URL
        raise UsageError(f"{error}; check AWS_ENDPOINT_URL") from error


def _of_botocore(error: Exception, location: str) -> OpsError:
    named = endpoint() or "the object store of AWS"
    kind, what, cure = next(row[1:] for row in _BOTOCORE if isinstance(error, row[0]))
    return kind(f"{what.format(location=location, endpoint=named, error=error)}; {cure}")


def _of_answer(error: OSError, location: str, bucket: str) -> OpsError | None:
    answer = code(error)
    if answer == _NO_BUCKET:
        return MissingError(f"there is no bucket {bucket!r} for {location}; make it, or name another with --store")
    if answer in _UNKNOWN_KEY:
        return OpsError(f"{location} does not take these credentials: {error}; {_CREDENTIALS}")
    if isinstance(error, PermissionError):
        return OpsError(f"{location} refuses access: {error}; ask for the right, or use other credentials")
    if isinstance(error, FileNotFoundError):
        return None
    return OpsError(f"{location}: {error}") if answer else None
