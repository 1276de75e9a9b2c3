"""REST for those without the SDK: `POST /classify` with an image, JSON back, and one page for people.

    exchange.py limits.py settings.py     one request; what it may take; what a gateway is
    parameters.py uploads.py caller.py    what a request says, its files, its body as it arrives
    inference.py answers.py               the hot path: images in, the SDK's results out
    problems.py admission.py              every error as RFC 9457 has it; how much is under way
    verdict.py metrics.py                 health as an inference; what is counted
    openapi.py schemas.py pages.py page/  the interface as a document, and what people look at
    app.py protocol.py server.py          routes; uvicorn's HTTP with limits; the process

Forbidden inside: everything of `triptych_ops` but its errors. The gateway knows servers through the SDK alone.
"""

from .limits import Limits
from .server import run, serve
from .settings import Settings

__all__ = ["Limits", "Settings", "run", "serve"]
