"""What people look at: the page that classifies a picture, and the documentation of the interface."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from triptych import image_formats

_FOLDER: Final = resources.files(__package__).joinpath("page")
_COMMON: Final = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def routes(document: Mapping[str, Any]) -> Sequence[Route]:
    """`/`, `/docs` and `/openapi.json`; `document` is the latter."""
    style = _file("page.css")
    script = _file("page.js").replace("/*mime-types*/", json.dumps(image_formats.MIME_TYPES))
    page = _file("page.html").replace("/*style*/", style).replace("/*script*/", script)
    page = page.replace("/*accept*/", ",".join(image_formats.MIME_TYPES)).replace("/*formats*/", image_formats.ANY)
    docs_style = _file("docs.css")
    docs = _rendered_docs(document, docs_style)
    return [
        _fixed("/", page, _page_headers(style, script), "text/html; charset=utf-8"),
        _fixed("/docs", docs, _page_headers(docs_style, None), "text/html; charset=utf-8"),
        _fixed("/openapi.json", json.dumps(document, indent=1), {"Cache-Control": "no-cache"}, "application/json"),
    ]


def _fixed(path: str, content: str, headers: Mapping[str, str], media_type: str) -> Route:
    body = content.encode()

    async def answer(_: Request) -> Response:
        return Response(body, headers={**headers, "Content-Type": media_type})

    return Route(path, answer)


def _page_headers(style: str, script: str | None) -> dict[str, str]:
    """Of a page that has all that it needs in itself, and talks to nobody but this gateway."""
    scripts = _hashed(script) if script is not None else "'none'"
    policy = (
        "default-src 'none'",
        f"script-src {scripts}",
        f"style-src {_hashed(style)}",
        "img-src blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        **_COMMON,
        "Content-Security-Policy": "; ".join(policy),
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    }


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    return _FOLDER.joinpath(name).read_text(encoding="utf-8")


def _rendered_docs(document: Mapping[str, Any], style: str) -> str:
    environment = Environment(
        loader=PackageLoader(__package__, "page"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("docs.html").render(document=document).replace("/*style*/", style)
