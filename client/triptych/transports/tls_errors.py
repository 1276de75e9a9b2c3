"""What a failure of TLS means, told alike over HTTP and gRPC, by the words of the two libraries. Pure."""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ..endpoint import Endpoint
from ..errors import PermissionDeniedError, ProtocolError, TriptychError, UnavailableError

_FILES = "give tls=Tls(certificate=FILE, key=FILE)"
_REFUSED = {
    False: f"{{endpoint}} wants a certificate of this client; {_FILES}",
    True: "{endpoint} does not take this client's certificate; give one that it trusts and that has not expired",
}
_CLOSED = {
    False: f"{{endpoint}} closed the connection without a word; where it wants a certificate of this client, {_FILES}",
    True: "{endpoint} closed the connection without a word; perhaps it does not take this client's certificate",
}
"""By whether the client shows a certificate."""

_MEANINGS: Mapping[str, tuple[Callable[[str], TriptychError], str]] = {
    r"hostname[ _]mismatch|ip[ _]address[ _]mismatch|hostname verification check failed": (
        ProtocolError,
        "the certificate of {endpoint} is not for {name}; ask the server by a name that its certificate has",
    ),
    r"verify[ _]failed.*expired": (ProtocolError, "the certificate of {endpoint} has expired; renew it there"),
    r"certificate[ _]verify[ _]failed": (
        ProtocolError,
        "the certificate of {endpoint} is not trusted: {reason}; "
        "where an authority of your own signed it, give tls=Tls(ca=FILE)",
    ),
    r"wrong[ _]version[ _]number|record[ _]layer[ _]failure": (
        ProtocolError,
        "{endpoint} does not speak TLS; is it the port of {plain}://?",
    ),
}
"""Words -> what they mean, whatever this client shows."""

_ALERT = re.compile(r"alert[ _](certificate|bad[ _]certificate|unknown[ _]ca|handshake[ _]failure|access[ _])", re.I)
_WORDLESS = re.compile(r"failed to connect.*(socket closed|unwrap failed)|without an answer", re.IGNORECASE)
_REASON = re.compile(r"verify[ _]failed: ([^:(]+)", re.IGNORECASE)


@contextmanager
def explained(
    endpoint: Endpoint,
    *,
    shows_certificate: bool,
    kinds: type[Exception] | tuple[type[Exception], ...] = (ssl.SSLError, ConnectionError),
    words: Callable[[Exception], str] = str,
) -> Iterator[None]:
    """Raise a failure of TLS as what it means, the library's own error chained; any other as it is.

    kinds: the errors that can be one
    words: what the library says of such an error
    """
    try:
        yield
    except kinds as error:
        explanation = meaning(words(error), endpoint, shows_certificate=shows_certificate) if endpoint.secure else None
        if explanation is None:
            raise
        raise explanation from (error.__cause__ if isinstance(error, TriptychError) else error)


def meaning(words: str, endpoint: Endpoint, *, shows_certificate: bool) -> TriptychError | None:
    """The error that a library's words stand for; None where they do not speak of TLS."""
    reason = _REASON.search(words)
    terms = {
        "endpoint": endpoint,
        "name": endpoint.certificate_name,
        "plain": endpoint.scheme.removesuffix("s"),
        "reason": reason[1].strip() if reason else "it cannot be verified",
    }
    for pattern, (kind, message) in _MEANINGS.items():
        if re.search(pattern, words, re.IGNORECASE):
            return kind(message.format(**terms))
    if _ALERT.search(words):
        return PermissionDeniedError(_REFUSED[shows_certificate].format(**terms))
    if _WORDLESS.search(words):
        return UnavailableError(_CLOSED[shows_certificate].format(**terms))
    return None
