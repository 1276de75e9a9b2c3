"""A publisher that can be killed at any call: a program of its own, driven line by line.

Each line on stdin is one JSON object, done in a new process; each answer is one line of JSON with `output`, or with
`error`, and `killed`. `kill_at` N: the process ends by SIGKILL just before (even N) or just after (odd N) the call
N // 2 that writes anything.
"""

import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiobotocore.client import AioBaseClient

import releases
from triptych_ops.errors import OpsError
from triptych_ops.release import Store, pull
from triptych_ops.release.storage import open_storage

_WRITING = ("mkdir", "rmdir", "link", "rename", "replace", "unlink", "write", "fsync", "chmod")
_WRITING_TO_S3 = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "DeleteObject"}


class _Killer:
    def __init__(self, kill_at: int) -> None:
        self._kill_at = kill_at
        self._points = -1

    def point(self) -> None:
        self._points += 1
        if self._points == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.point()
            try:
                return call(*args, **kwargs)
            finally:
                self.point()

        return called

    def arm(self) -> None:
        for name in _WRITING:
            setattr(os, name, self.around(getattr(os, name)))
        call = AioBaseClient._make_api_call

        async def counted(client: AioBaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            if operation not in _WRITING_TO_S3:
                return await call(client, operation, parameters)
            self.point()
            try:
                return await call(client, operation, parameters)
            finally:
                self.point()

        AioBaseClient._make_api_call = counted


def _add(task: dict[str, Any]) -> object:
    """Publish another store's release."""
    return Store(task["store"], user=task["user"]).add(Store(task["source"]).release("newest"))


def _race(task: dict[str, Any]) -> object:
    """Publish words under one number after the other, each at its moment; who won, or what the loser was told."""
    store = Store(task["store"], user=task["user"])
    told: list[str | None] = []
    for number in range(1, task["races"] + 1):
        time.sleep(max(0.0, task["start"] + number * task["every_s"] - time.time()))
        try:
            releases.publish_words(store, number, f"{task['user']} {number}")
        except OpsError as error:
            told.append(str(error))
        else:
            told.append(None)
    return told


def _watch(task: dict[str, Any]) -> object:
    """Look at the newest release until a moment, whether it is whole; how many looks there were at how many."""
    store = Store(task["store"])
    looks, seen = 0, set()
    while time.time() < task["until"]:
        for number in store.numbers()[-1:]:
            store.release(number).verify()
            seen.add(number)
            looks += 1
    return [looks, len(seen)]


def _repeat(task: dict[str, Any], step: Callable[[Store, int], object]) -> object:
    """Do a step until a moment; how often it was "done", or ended with which error, its words without their numbers."""
    store = Store(task["store"], user=task["user"])
    outcomes: Counter[str] = Counter()
    while time.time() < task["until"]:
        try:
            step(store, sum(outcomes.values()))
        except Exception as error:
            words = str(error).replace(store.location, "STORE")
            outcomes[f"{type(error).__name__}: {re.sub(r'[0-9]+', 'N', words)}"] += 1
        else:
            outcomes["done"] += 1
    return outcomes


def _publish_and_tag(store: Store, turn: int) -> None:
    """Publish the next release, and let `stable` mean it, or the one before."""
    number = store.next_number()
    releases.publish_words(store, number)
    store.tag("stable", number - turn % 2)


def _verify_any(store: Store, turn: int) -> None:
    """Verify one release after the other, whether it has an alias or not."""
    numbers = store.numbers()
    store.release(numbers[turn % len(numbers)]).verify()


def _list_all(store: Store, _turn: int) -> None:
    """List releases and aliases, all of which are sound."""
    for error in (*store.releases().values(), *store.refused_aliases().values()):
        if isinstance(error, OpsError):
            raise error


_STEPS: dict[str, Callable[[Store, int], object]] = {
    "tagging": _publish_and_tag,
    "pruning": lambda store, _turn: store.prune(keep=2),
    "looking up": lambda store, _turn: store.release("stable"),
    "verifying": _verify_any,
    "listing": _list_all,
}


def _pull(task: dict[str, Any]) -> object:
    folder = Path(task["folder"])
    return pull(Store(task["source"]).release("newest"), folder, check=lambda _: None)


def _settle(task: dict[str, Any]) -> object:
    """What a killed publisher left, and what two reruns make of it."""
    store = Store(task["store"], user=task["user"])
    left = _whole(store)
    written = _add(task)
    settled, listed = _whole(store), _listing(task["store"])
    return {
        "left": left,
        "written": written,
        "settled": settled,
        "files": list(listed),
        "written_again": _add(task),
        "unchanged": _listing(task["store"]) == listed,
    }


def _whole(store: Store) -> list[int]:
    """The numbers of the releases, all of which are whole."""
    numbers = store.numbers() if store.exists() else []
    for number in numbers:
        store.release(number).verify()
    return numbers


def _listing(location: str) -> dict[str, list[str]]:
    """Every file with what changes whenever it is written."""
    storage = open_storage(location)
    keys = ("mtime", "ino", "LastModified", "ETag")
    infos = {name: storage.filesystem.info(storage._path(name)) for name in storage.files()}
    return {name: [str(info.get(key)) for key in keys] for name, info in infos.items()}


_TASKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "add": _add,
    "race": _race,
    "watch": _watch,
    "pull": _pull,
    "settle": _settle,
}
_TASKS |= {name: partial(_repeat, step=step) for name, step in _STEPS.items()}


def _answer(task: dict[str, Any]) -> dict[str, object]:
    if (kill_at := task.get("kill_at")) is not None:
        _Killer(kill_at).arm()
    try:
        return {"output": _TASKS[task["do"]](task)}
    except OpsError as error:
        return {"error": str(error)}


def main() -> None:
    for line in sys.stdin:
        reading, writing = os.pipe()
        if (process := os.fork()) == 0:
            os.close(reading)
            answer = json.dumps(_answer(json.loads(line)))
            with os.fdopen(writing, "w") as pipe:
                pipe.write(answer)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            answer = pipe.read()
        _, status = os.waitpid(process, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({**json.loads(answer or "{}"), "killed": killed}), flush=True)


if __name__ == "__main__":
    main()
