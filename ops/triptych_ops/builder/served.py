"""What a release that is being built answers through the real server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from triptych import Classification, Client, ImageError
from triptych_ops import runtime
from triptych_ops.errors import RefusedError


@dataclass(frozen=True, slots=True)
class ServedAnswers:
    """Answers in the order of the images, and the server's version."""

    golden: list[Classification]
    measured: list[Classification]
    triton: str


def serve_once(
    installation: runtime.Installation,
    copy_repository: Callable[[Path], None],
    *,
    golden: Sequence[Path],
    measured: Sequence[Path],
) -> ServedAnswers:
    """Start a server, classify all images, stop it.

    Raises:
        RefusedError: the server does not give the known answer, or refuses an image.
    """
    with runtime.Server(installation, copy_repository, runtime.Ports.free()) as server:
        server.wait_ready()
        with Client(server.ports.grpc_url) as client:
            return ServedAnswers(
                golden=_answers(client, golden),
                measured=_answers(client, measured),
                triton=runtime.server_version(server.ports.grpc_url),
            )


def _answers(client: Client, paths: Sequence[Path]) -> list[Classification]:
    answers = []
    for path, result in zip(paths, client.classify_many(paths), strict=True):
        if isinstance(result, ImageError):
            raise RefusedError(f"{path} cannot be measured on: {result}; take it out of the folder")
        answers.append(result)
    return answers
