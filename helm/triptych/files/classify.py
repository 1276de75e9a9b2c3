"""`helm test`: classifies a picture through the Services named as arguments, as a client would."""

import os
import sys
from pathlib import Path
from typing import Any

from triptych import Client, Tls

ETC = Path("/etc/triptych")


def access() -> dict[str, Any]:
    """What the edge wants of a client: one of its keys, and a certificate where it asks for one."""
    found: dict[str, Any] = {}
    if (keys := ETC / "api-keys" / "keys").is_file():
        lines = [line.strip() for line in keys.read_text().splitlines()]
        first = next(line for line in lines if line and not line.startswith("#"))
        found |= {"headers": {"x-api-key": first.partition(":")[2].strip()}, "plaintext_secrets": True}
    if (folder := ETC / "tls").is_dir():
        authorities = folder / "ca.crt"
        shown = ETC / "client"
        own = {"certificate": shown / "tls.crt", "key": shown / "tls.key"} if shown.is_dir() else {}
        found["tls"] = Tls(ca=authorities if authorities.is_file() else None, **own)
    return found


for url in sys.argv[1:]:
    with Client(url, timeout_s=30, **access()) as client:
        result = client.classify(Path(__file__).with_name("coffee.jpg"))
    sys.stdout.write(f"{url}: release {result.release}: {result.top.label} {result.top.score:.3f}\n")
    expected = os.environ.get("EXPECTED_LABEL")
    if expected and expected not in [prediction.label for prediction in result.predictions]:
        sys.exit(f"{url}: {expected} is not among {[prediction.label for prediction in result.predictions]}")
