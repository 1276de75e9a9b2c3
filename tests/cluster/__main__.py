"""`python -m cluster fetch|up|image|status|down`: the test cluster by hand; `make cluster` and its like run it."""

import argparse
import os
import sys

from cluster.cluster import down, fetch, is_own, load_server_image, status, up
from cluster.errors import ClusterError
from cluster.layout import Layout


def main(arguments: list[str]) -> int:
    """Run one command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    try:
        _COMMANDS[parser.parse_args(arguments).command](Layout.from_environment())
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _fetch(layout: Layout) -> None:
    if is_own():
        fetch(layout, say=_say)


def _up(layout: Layout) -> None:
    print(f"export KUBECONFIG={up(layout, environment=os.environ, say=_say)}")


def _image(layout: Layout) -> None:
    print(load_server_image(layout, say=_say))


def _down(layout: Layout) -> None:
    down(layout)


def _status(layout: Layout) -> None:
    found = status(layout)
    if found.kubeconfig is None:
        print("the cluster is not up")
    for name, ready in found.nodes.items():
        print(f"{name} is {'ready' if ready else 'not ready'}; {found.memory_bytes / 2**30:.1f} GiB in use")
    if found.deaths:
        print(found.deaths, file=sys.stderr)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


_COMMANDS = {"fetch": _fetch, "up": _up, "image": _image, "status": _status, "down": _down}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
