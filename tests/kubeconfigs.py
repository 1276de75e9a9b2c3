"""A kubeconfig of one cluster."""

import json
from pathlib import Path


def write_kubeconfig(path: Path, server: str) -> None:
    """Write one whose current context `x` leads to this server, without credentials."""
    document = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))
