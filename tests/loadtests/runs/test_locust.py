"""The locustfile with plain Locust: over each protocol, with its page, and over two workers."""

import json
import time
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import gateways
from loadtests.benchmark.server_process import free_ports
from loadtests.records import Outcome, read
from locust_process import Locust
from triptych.testing import Failure, FakeServer

SHORT = ("--headless", "-u", 6, "-r", 6, "-t", "5s", "--only-summary")


@pytest.mark.parametrize(
    ("user", "protocol"), [((), "grpc"), ((), "http"), (("RestVisitor",), "rest"), (("GrpcCrowd",), "grpc")]
)
def test_headless(user: tuple[str, ...], protocol: str, tmp_path: Path) -> None:
    with FakeServer(release=9, answer_s=0.005) as server, gateways.running(server.grpc_url) as gateway:
        host = {"grpc": server.grpc_url, "http": server.http_url, "rest": gateway.url}[protocol]
        with Locust(*user, "--host", host, *SHORT, "--record", tmp_path / "record") as locust:
            status, said = locust.ended()
    stored = read(tmp_path / "record")
    assert "Traceback" not in said
    assert {sample.protocol for sample in stored.samples} == {protocol}, said
    assert {sample.release for sample in stored.samples} == {9}
    answered = sum(sample.is_good for sample in stored.samples)
    assert answered > 0.8 * len(stored.samples) > 0
    assert status == (0 if answered == len(stored.samples) else 1)  # the fake server refuses no bad picture
    assert f"{protocol} " in said


def test_headers_go_with_each_request() -> None:
    with FakeServer() as server:
        arguments = ("--headless", "-u", 2, "-r", 2, "-t", "2s", "--only-summary", "--header", "X-Api-Key=abc=d")
        with Locust("GrpcCrowd", "--host", server.grpc_url, *arguments) as locust:
            assert locust.ended()[0] == 0
        assert server.headers
        assert {each.get("x-api-key") for each in server.headers} == {"abc=d"}


def test_a_crowd_comes_as_poisson_says(tmp_path: Path) -> None:
    with FakeServer(answer_s=0.3) as server:  # three users who wait would ask ten times a second
        arguments = ("--headless", "-u", 3, "-r", 3, "-t", "12s", "--only-summary", "--record", tmp_path / "record")
        with Locust("GrpcCrowd", "--host", server.grpc_url, *arguments) as locust:
            assert locust.ended()[0] == 0
    samples = read(tmp_path / "record").samples
    span_s = samples[-1].intended_s - samples[0].intended_s
    per_s = len(samples) / span_s
    assert per_s == pytest.approx(30, rel=0.35)  # three crowds of ten a second
    gaps_s = np.diff([sample.intended_s for sample in samples])
    assert np.std(gaps_s) / np.mean(gaps_s) == pytest.approx(1, abs=0.25)
    assert np.median([sample.lag_s for sample in samples]) < 0.05


def test_errors_are_failures(tmp_path: Path) -> None:
    with FakeServer() as server:
        server.fails = Failure("UNAVAILABLE", http=503)
        with Locust("--host", server.grpc_url, *SHORT, "--record", tmp_path / "record") as locust:
            status, _ = locust.ended()
    stored = read(tmp_path / "record")
    assert status == 1
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.ONLY_ERRORS
    assert {sample.code for sample in stored.samples} == {"unavailable"}


def test_the_page_starts_and_stops_a_test() -> None:
    (port,) = free_ports(1)
    page = f"http://127.0.0.1:{port}"

    def ask(path: str, form: bytes | None = None) -> bytes:
        with urllib.request.urlopen(page + path, data=form, timeout=10) as answer:
            body: bytes = answer.read()
        return body

    with FakeServer() as server, Locust("--web-host", "127.0.0.1", "--web-port", port) as _:
        for _attempt in range(100):
            try:
                assert b"Locust" in ask("/")
                break
            except OSError:
                time.sleep(0.2)
        form = f"user_count=4&spawn_rate=4&host={server.grpc_url}".encode()
        assert json.loads(ask("/swarm", form))["success"]
        time.sleep(4)
        stats = json.loads(ask("/stats/requests"))
        assert json.loads(ask("/stop", b""))["success"]
    (total,) = [row for row in stats["stats"] if row["name"] == "Aggregated"]
    assert total["num_requests"] > 4
    assert stats["user_count"] == 4
    assert {row["method"] for row in stats["stats"] if row["method"]} == {"grpc"}


def test_two_workers_fill_one_record(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    record = tmp_path / "record"
    with FakeServer(answer_s=0.005) as server:
        at = ("--host", server.grpc_url)
        master = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", 2)
        worker = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
        with (
            Locust("GrpcCrowd", *at, *SHORT, *master, "--record", record) as leading,
            Locust("GrpcCrowd", *at, *worker) as first,
            Locust("GrpcCrowd", *at, *worker) as second,
        ):
            status, said = leading.ended()
            assert first.ended(20)[0] == second.ended(20)[0] == 0
        asked = server.requests
    assert status == 0, said
    stored = read(record)
    by_worker = [len(path.read_text().splitlines()) for path in sorted(record.glob("samples-*.csv"))]
    assert len(by_worker) == 2
    assert min(by_worker) > 0.25 * sum(by_worker)
    assert len(stored.samples) >= 0.97 * asked  # what the server saw, but for what was under way at the end
    assert stored.run.processes == 2
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.DONE


def test_a_lost_worker_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    record = tmp_path / "record"
    with FakeServer(answer_s=0.005) as server:
        at = ("--host", server.grpc_url)
        master = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", 2)
        worker = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
        long = ("--headless", "-u", 6, "-r", 6, "-t", "16s", "--only-summary")
        with (
            Locust("GrpcCrowd", *at, *long, *master, "--record", record) as leading,
            Locust("GrpcCrowd", *at, *worker) as victim,
            Locust("GrpcCrowd", *at, *worker),
        ):
            while len(list(record.glob("samples-*.csv"))) != 2:
                assert leading.process.poll() is None
                time.sleep(0.2)
            victim.process.kill()
            status, said = leading.ended()
    stored = read(record)
    assert status == 1
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.WORKER_LOST, said
    assert "a worker was lost" in stored.ending.reason
    by_second = Counter(int(sample.intended_s) for sample in stored.samples)
    assert by_second[max(by_second) - 1] > 10  # somebody still asks at the end
