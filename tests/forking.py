"""A process that uses one client and forks, and what became of the calls in its children: run it, or serve `app`.

    python forking.py '{"url": "http://…", "client": "sync", "parent": "busy", "how": "pool", …}'

It prints what its children and it itself got, as JSON. `gunicorn --preload forking:app` makes the client in the master,
takes the same settings from the environment variable FORKING, and classifies the body of each request in a worker.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from triptych import AsyncClient, Client, InvalidUseError, TriptychError, forks
from triptych.testing import label
from triptych.transports.transport import InferRequest

RIGHT, WRONG, REFUSED = "right", "wrong", "refused"
BUSY_CALLERS = 3
TOGETHER_S = 0.3  # more than a few forks take


class Forking:
    """The client of this process, used before any fork.

    settings:
        url, timeout_s: of the client
        client:   `sync` or `async`
        parent:   `idle`, or `busy` with calls of other threads
        how:      `fork` or `pool`
        children: how many there are; each makes `calls` calls
        connections: idle ones of the synchronous client when it forks
        images:   paths of images and their labels; images that a fake server labels, where there are none
        forgets:  whether a child forgets what it inherited
        matches:  whether answers are compared with their requests
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        if not settings.get("matches", True):
            InferRequest.check_answered_by = lambda *_: None  # type: ignore[method-assign]
        kind = Client if settings["client"] == "sync" else AsyncClient
        self._client: Any = kind(settings["url"], timeout_s=settings.get("timeout_s", 5.0))
        self._images = [(Path(path).read_bytes(), name) for path, name in settings.get("images", {}).items()]
        self._stopping = threading.Event()
        self._counts: Counter[str] = Counter()
        self._callers: list[threading.Thread] = []
        self._warm(settings.get("connections", 1))
        if settings["parent"] == "busy":
            self._begin()
        if not settings.get("forgets", True):
            forks._OBJECTS.clear()

    def outcome(self, image: tuple[bytes, str]) -> tuple[str, float, str]:
        """How one call ended, its seconds, and the words of its error."""
        return self._outcomes([image])[0]

    def of_child(self, child: int) -> list[tuple[str, float, str]]:
        """The outcomes of one child's calls, which begin when those of the others do."""
        time.sleep(max(0.0, self._begin_at - time.monotonic()))
        return self._outcomes([self._image(f"child {child}", call) for call in range(self._settings["calls"])])

    def children(self) -> list[tuple[str, float, str]]:
        """The outcomes of all children's calls."""
        children = range(self._settings["children"])
        self._begin_at = time.monotonic() + TOGETHER_S
        if self._settings["how"] == "pool":
            with multiprocessing.get_context("fork").Pool(len(children)) as pool:
                return [each for outcomes in pool.map(_of_child, children, chunksize=1) for each in outcomes]
        readers = [_in_fork(self.of_child, child) for child in children]
        return [tuple(each) for reader in readers for each in json.loads(reader())]

    def end(self) -> Mapping[str, int]:
        """Stop the calls of this process, and count how they ended, with one more at last."""
        self._stopping.set()
        for caller in self._callers:
            caller.join()
        self._counts[self.outcome(self._image("last", 0))[0]] += 1
        return self._counts

    def _image(self, caller: str, call: int) -> tuple[bytes, str]:
        if self._images:
            return self._images[(call + hash(caller)) % len(self._images)]
        body = f"{caller}, image {call}".encode()
        return body, label(body)

    def _outcomes(self, images: Iterable[tuple[bytes, str]]) -> list[tuple[str, float, str]]:
        if isinstance(self._client, Client):
            return [_judged(image, self._client.classify) for image in images]

        async def each_in_turn() -> list[tuple[str, float, str]]:
            return [await _judged_later(image, self._client) for image in images]

        return asyncio.run(each_in_turn())

    def _warm(self, connections: int) -> None:
        callers = [
            threading.Thread(target=self.outcome, args=(self._image("warm", number),)) for number in range(connections)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    def _begin(self) -> None:
        if isinstance(self._client, Client):
            for number in range(BUSY_CALLERS):
                self._callers.append(threading.Thread(target=self._call, args=(number,), daemon=True))
        else:
            self._callers.append(threading.Thread(target=lambda: asyncio.run(self._call_all()), daemon=True))
        for caller in self._callers:
            caller.start()
        time.sleep(0.2)

    def _call(self, number: int) -> None:
        call = 0
        while not self._stopping.is_set():
            self._counts[_judged(self._image(f"parent {number}", call), self._client.classify)[0]] += 1
            call += 1

    async def _call_all(self) -> None:
        async def calls(number: int) -> None:
            call = 0
            while not self._stopping.is_set():
                self._counts[(await _judged_later(self._image(f"parent {number}", call), self._client))[0]] += 1
                call += 1

        await asyncio.gather(*[calls(number) for number in range(BUSY_CALLERS)])


def _judged(image: tuple[bytes, str], classify: Callable[[bytes], Any]) -> tuple[str, float, str]:
    began = time.monotonic()
    try:
        found = classify(image[0]).top.label
    except Exception as error:
        return _failed(error, time.monotonic() - began)
    return (RIGHT if found == image[1] else WRONG), time.monotonic() - began, ""


async def _judged_later(image: tuple[bytes, str], client: AsyncClient) -> tuple[str, float, str]:
    began = time.monotonic()
    try:
        found = (await client.classify(image[0])).top.label
    except Exception as error:
        return _failed(error, time.monotonic() - began)
    return (RIGHT if found == image[1] else WRONG), time.monotonic() - began, ""


def _failed(error: Exception, seconds: float) -> tuple[str, float, str]:
    kind = type(error).__name__ if isinstance(error, TriptychError) else repr(error)
    return (REFUSED if isinstance(error, InvalidUseError) else kind), seconds, str(error)


def _in_fork(function: Callable[[int], Any], argument: int) -> Callable[[], str]:
    """Call a function in a child process; the result reads what it returned, as JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writing, "w") as pipe:
            json.dump(function(argument), pipe)
        os._exit(0)
    os.close(writing)

    def read() -> str:
        with os.fdopen(reading) as pipe:
            written = pipe.read()
        os.waitpid(child, 0)
        return written

    return read


def _of_child(child: int) -> list[tuple[str, float, str]]:
    return process.of_child(child)  # by its name: a task of a pool is pickled


def _app() -> Callable[..., Iterable[bytes]]:
    forking = Forking(json.loads(os.environ["FORKING"]))

    def application(environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        result, seconds, words = forking.outcome((body, label(body)))
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps([result, seconds, words, os.getpid()]).encode()]

    return application


if __name__ == "__main__":
    process = Forking(json.loads(sys.argv[1]))
    print(json.dumps({"children": process.children(), "parent": process.end()}), flush=True)
elif "FORKING" in os.environ:
    app = _app()
