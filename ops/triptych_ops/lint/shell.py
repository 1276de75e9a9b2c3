"""What Triton hands to a shell: it starts the stub of a Python backend with names of the model on a command line.

So does every backend that is itself written in Python, whatever a configuration calls it.
Source: https://github.com/triton-inference-server/python_backend/blob/main/src/stub_launcher.cc
"""

import re

_PLAIN = re.compile(r"[A-Za-z0-9._+@=,-]*", re.ASCII)


def is_plain(name: str) -> bool:
    """Whether a shell takes the name for nothing but a name."""
    return bool(_PLAIN.fullmatch(name)) and not name.startswith("-")
