"""A headless Chromium, driven through its DevTools protocol."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_START_S = 30.0
_POLL_S = 0.05


@contextmanager
def open_page(scratch: Path, *, arguments: Sequence[str] = ()) -> Iterator["Page"]:
    """An empty page in a browser of its own, whose files lie in `scratch`."""
    assert CHROMIUM is not None
    profile = scratch / "profile"
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run")
    command = [CHROMIUM, *options, f"--user-data-dir={profile}", *arguments, "about:blank"]
    with (scratch / "chromium.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            port, path = _active(profile / "DevToolsActivePort", process)
            with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, open_timeout=_START_S) as connection:
                yield Page.new(connection)
        finally:
            process.terminate()


def _active(file: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    deadline = time.monotonic() + _START_S
    while True:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        assert process.poll() is None, "chromium ended; see chromium.log"
        assert time.monotonic() < deadline, "chromium did not start"
        time.sleep(_POLL_S)


class Page:
    """One page; `console` is what it logged, and every exception that nobody caught."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.console: list[str] = []
        self.requests: list[str] = []

    @classmethod
    def new(cls, connection: ClientConnection) -> "Page":
        """A new page of the browser."""
        page = cls(connection)
        target = page.send("Target.createTarget", url="about:blank")["targetId"]
        page._session = page.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            page.send(f"{domain}.enable")
        return page

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command, and what it gives."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            answer = json.loads(self._connection.recv(timeout=_START_S))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def view(self, width: int, height: int, *, dark: bool = False) -> None:
        """Show it at this size."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Go there."""
        self.send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """Of JavaScript."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str, *, within_s: float = 15.0) -> None:
        """Until the expression is true."""
        deadline = time.monotonic() + within_s
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"{expression} was not true within {within_s:g} s: {self.console}"
            time.sleep(_POLL_S)

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in a file input."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file.resolve())])

    def drop(self, selector: str, file: Path) -> None:
        """Drag a file from outside over the middle of an element, and drop it there."""
        middle = "(box => [box.x + box.width / 2, box.y + box.height / 2])"
        x, y = self.value(f"{middle}(document.querySelector({selector!r}).getBoundingClientRect())")
        data = {"items": [], "files": [str(file.resolve())], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def screenshot(self, file: Path) -> Path:
        """What it shows now, as a PNG."""
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
        return file

    def _note(self, event: Mapping[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.console.append(str(parameters["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded":
            self.console.append(parameters["entry"]["text"])
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
