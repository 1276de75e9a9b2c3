"""Images sent to a server one by one, and what is wrong with how they were taken."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import psutil
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from commands import Serving

BOUND_S = 2.0
_GIVE_UP_S = 30.0
_REFUSAL = "StatusCode.INVALID_ARGUMENT"
_STUB = "triton_python_backend_stub"
_LONGEST_NAME = 15  # that the kernel keeps of a process


@dataclass(frozen=True, slots=True)
class Answer:
    """The best class, or the status and the message of a refusal."""

    seconds: float
    class_id: int | None = None
    status: str | None = None
    message: str = ""

    @property
    def code(self) -> str:
        """What the server says of the image: `ok`, or the word that its refusal begins with."""
        return "ok" if self.class_id is not None else self.message.split("[0] ")[-1].split(":")[0]


class Asker:
    """A client of a server that notices when a stub is another process than before."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._client = triton.InferenceServerClient(serving.ports.grpc_url.removeprefix("grpc://"))
        self._stubs = self._pids()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, body: bytes) -> Answer:
        """Send one image."""
        image = triton.InferInput("IMAGE", [1, 1], "BYTES")
        image.set_data_from_numpy(np.array([[body]], dtype=np.object_))
        outputs = [triton.InferRequestedOutput("CLASS_ID")]
        start = time.monotonic()
        try:
            result = self._client.infer("image_classifier", [image], outputs=outputs, client_timeout=_GIVE_UP_S)
        except InferenceServerException as error:
            return Answer(time.monotonic() - start, status=error.status(), message=str(error.message()))
        return Answer(time.monotonic() - start, class_id=int(result.as_numpy("CLASS_ID")[0, 0]))

    def ask_all(self, bodies: Mapping[str, bytes]) -> dict[str, Answer]:
        """Send each image."""
        return {name: self.ask(body) for name, body in bodies.items()}

    def faults(self, answers: Mapping[str, Answer]) -> list[str]:
        """A sentence on each answer that is too late or neither a class nor a refusal, and on stubs that are gone."""
        found = []
        for name, answer in answers.items():
            if answer.seconds > BOUND_S:
                found.append(f"{name} took {answer.seconds:.1f} s")
            if answer.status not in (None, _REFUSAL):
                found.append(f"{name} ended in {answer.status}: {answer.message}")
        if gone := self._stubs - self._pids():
            found.append(f"{len(gone)} of {len(self._stubs)} stubs are gone")
        return found

    def _pids(self) -> set[int]:
        children = self.serving.children()
        return {
            child.pid
            for child in children
            if child.status() != psutil.STATUS_ZOMBIE and child.name() in (_STUB, _STUB[:_LONGEST_NAME])
        }
