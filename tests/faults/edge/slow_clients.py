"""Clients that take their time: `python slow_clients.py MODE PORT COUNT`, in a process of its own.

    head  a byte of the request's head each second
    body  a whole head, then a byte of the body each second
    read  a whole request, and a byte of the answer each second, with the smallest buffer
    idle  a connection, and nothing else

Prints `ready` once all are connected. Who is turned away comes again; ends when stdin does.
"""

import select
import socket
import sys
import time
from contextlib import suppress

_PATH = "/v2/models/image_classifier/infer"
_HEAD = f"POST {_PATH} HTTP/1.1\r\nhost: slow\r\ncontent-length: 100000\r\ninference-header-content-length: 0\r\n\r\n"
_SHORT = f"POST {_PATH} HTTP/1.1\r\nhost: slow\r\ncontent-length: 1\r\ninference-header-content-length: 0\r\n\r\nx"
_TURN_S = 1.0


def connected(mode: str, port: int) -> socket.socket:
    """A client that has begun."""
    client = socket.socket()
    if mode == "read":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    client.connect(("127.0.0.1", port))
    client.sendall({"head": "POST", "body": _HEAD, "read": _SHORT, "idle": ""}[mode].encode())
    client.setblocking(False)
    return client


def turn(mode: str, client: socket.socket) -> bool:
    """A client's next byte; whether it is still connected."""
    try:
        if mode == "head":
            client.send(b"x")
        elif mode == "body":
            client.send(b"y")
        return client.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def main(mode: str, port: int, count: int) -> None:
    clients = []
    for _ in range(count):
        clients.append(connected(mode, port))
        time.sleep(0.002)  # not all of them in one burst, which any server would feel
    print("ready", flush=True)
    place = 0
    while not select.select([sys.stdin], [], [], _TURN_S / count)[0]:
        place = (place + 1) % count
        if not turn(mode, clients[place]):
            clients[place].close()
            with suppress(OSError):
                clients[place] = connected(mode, port)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
