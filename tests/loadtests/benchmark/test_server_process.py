import sys

import psutil
import pytest

from loadtests.benchmark.answers import read_json
from loadtests.benchmark.http_messages import post
from loadtests.benchmark.load import Question
from loadtests.benchmark.process_usage import cpu_seconds, memory_bytes, since
from loadtests.benchmark.server_process import ServerFailedError, ServerProcess, free_ports

_QUESTION = Question(post("/", b"image"), frozenset({3}))

# Wrong at first, then right; with a child that does not end by itself.
_SERVER = """
import http.server, subprocess, sys
stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", stubborn])
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Handler.asked += 1
        body = b'{"predictions": [{"class_id": %d}]}' % (3 if Handler.asked > 2 else 4)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_server_is_ready_once_it_is_right_and_leaves_no_process() -> None:
    (port,) = free_ports(1)
    with ServerProcess("small", [sys.executable, "-c", _SERVER, str(port)], port=port) as server:
        start_s = server.wait_true_answer(_QUESTION, read_json)
        processes = server.processes()
        before = cpu_seconds(processes)
        assert len(processes) == 2
        assert memory_bytes(processes) > 1_000_000
        assert sum(since(before, cpu_seconds(processes)).values()) < 1.0
    assert 0 < start_s < 10
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def test_a_server_that_ends_says_why() -> None:
    (port,) = free_ports(1)
    command = [sys.executable, "-c", "import sys; sys.exit('no such release')"]
    with (
        ServerProcess("small", command, port=port) as server,
        pytest.raises(ServerFailedError, match="small ended with status 1: no such release"),
    ):
        server.wait_true_answer(_QUESTION, read_json)
