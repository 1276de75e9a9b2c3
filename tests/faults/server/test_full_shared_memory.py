"""Case 9: /dev/shm is full. The server runs in a mount namespace of its own, with a small one."""

import os
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from small_disk import needs_root
from traffic.closed import Call, call
from triptych import Client, contract, health

from .served import Watched, await_true, serves

pytestmark = needs_root

SIZE_BYTES = 32 << 20
IMAGES = 32  # 4.8 MB of pixels: more than the stubs' regions hold at the start
RECOVERED_WITHIN_S = 30.0
REGION = "triptych-serve-"  # how each region's name begins


class InSmallMemory(Watched):
    """A server with a small /dev/shm that nobody else sees."""

    wrapper = (
        *("unshare", "--mount", "sh", "-c"),
        f'mount -t tmpfs -o size={SIZE_BYTES} tmpfs /dev/shm && exec "$@"',
        "sh",
    )

    @property
    def filler(self) -> Path:
        """What fills its /dev/shm, as seen from here."""
        return Path(f"/proc/{self.process.pid}/root/dev/shm/filler")

    def fill(self) -> None:
        """Leave it not a page."""
        descriptor = os.open(self.filler, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            while True:
                os.write(descriptor, bytes(4096))
        except OSError:
            pass
        finally:
            os.close(descriptor)


def test_a_typed_error_and_a_quick_recovery(store: Path, tmp_path: Path) -> None:
    with InSmallMemory(store, tmp_path) as serving:
        urls = (serving.ports.grpc_url, serving.ports.http_url)
        with Client(urls[0]) as grpc, Client(urls[1]) as http:
            clients = (grpc, http)
            serving.fill()
            failed = [call(client, images=IMAGES, timeout_s=5) for client in clients]
            small = [call(client, timeout_s=5) for client in clients]
            raw = _error_of_triton(serving)
            began_s = time.monotonic()
            serving.filler.unlink()
            recovered_s = await_true(
                lambda: all(call(client, images=IMAGES, timeout_s=5).right for client in clients),
                since_s=began_s,
                within_s=RECOVERED_WITHIN_S,
                what="large requests are answered",
            )
        assert serving.said == []
        restarted_s = _recovery_of_a_restart(serving)
    assert [one.error for one in failed] == ["ServerError"] * 2, failed
    assert all(_tells_no_region(one) for one in failed)
    assert REGION in raw  # the control: Triton itself tells it
    assert all(one.right for one in small)
    print(
        f"case 9: with /dev/shm full a request that needs more is a ServerError without a region name, smaller ones "
        f"are answered; all right {recovered_s:.1f} s after it was emptied, and {restarted_s:.1f} s where the server "
        f"could not start meanwhile (<= {RECOVERED_WITHIN_S:g})"
    )


def _recovery_of_a_restart(serving: InSmallMemory) -> float:
    """A stub dies while there is no memory for a new server; seconds from when there is."""
    done = threading.Event()

    def keep_full() -> None:
        while not done.is_set():
            serving.fill()

    filling = threading.Thread(target=keep_full)
    filling.start()
    try:
        killed_s = time.monotonic()
        serving.living_stubs()["postprocess"].kill()
        serving.heard("it does not come back: ", since_s=killed_s, within_s=60)
        time.sleep(3)
    finally:
        done.set()
        filling.join()
    serving.filler.unlink()
    return await_true(
        partial(serves, serving.ports), since_s=time.monotonic(), within_s=RECOVERED_WITHIN_S, what="serving again"
    )


def _error_of_triton(serving: Watched) -> str:
    """What Triton says to a client that is not ours."""
    image = triton.InferInput(contract.IMAGE, [IMAGES, 1], "BYTES")
    image.set_data_from_numpy(np.array([[health.image()]] * IMAGES, dtype=object))
    client = triton.InferenceServerClient(serving.ports.grpc_url.removeprefix("grpc://"))
    try:
        with pytest.raises(InferenceServerException) as caught:
            client.infer(contract.MODEL_NAME, [image])
        return str(caught.value.message())
    finally:
        client.close()


def _tells_no_region(one: Call) -> bool:
    return bool(one.message) and REGION not in one.message and "shm/" not in one.message
