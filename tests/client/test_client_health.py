from collections.abc import Mapping

import pytest

from triptych import (
    Client,
    DeadlineExceededError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TriptychError,
    UnavailableError,
)
from triptych.contract import HEALTH_ID
from triptych.health import image
from triptych.transports.transport import InferRequest, InferResponse, InvalidArgumentError

from .clock import Clock
from .fake_transport import KNOWN, FakeTransport

ERRORS = (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    UnavailableError,
)


class SilentTransport(FakeTransport):
    """Each request takes all of its time, then fails with how often it was asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def infer(self, request: InferRequest) -> InferResponse:
        self.requests.append(request)
        self._clock.sleep(request.timeout_s)
        raise DeadlineExceededError(f"no answer, {len(self.requests)}")


def test_health_is_good_where_the_known_answer_comes_back(client: Client, transport: FakeTransport) -> None:
    state = client.health()
    assert (state.ok, state.known, state.release) == (True, True, 12)
    assert state.reason.endswith("with 0.500, as known")
    assert state.elapsed_s >= 0
    assert [request.images for request in transport.requests] == [(image(),)]


def test_questions_of_health_and_of_the_release_are_told_from_others_by_their_ids(
    client: Client, transport: FakeTransport
) -> None:
    client.health()
    client.release()
    client.classify(image())
    ids = [request.request_id for request in transport.requests]
    assert [each.startswith(HEALTH_ID) for each in ids] == [True, True, False]


@pytest.mark.parametrize("changed", [{"health_class_id": "8"}, {"health_score": "0.9"}])
def test_health_is_bad_where_another_answer_comes_back(
    changed: Mapping[str, str], client: Client, transport: FakeTransport
) -> None:
    transport.configuration = {**KNOWN, **changed}
    state = client.health()
    assert (state.ok, state.known, state.release) == (False, True, 12)
    assert "the known answer is class" in state.reason


def test_health_is_good_but_not_known_where_the_release_has_no_known_answer(
    client: Client, transport: FakeTransport
) -> None:
    transport.configuration = {}
    state = client.health()
    assert (state.ok, state.known, state.release) == (True, False, 12)


@pytest.mark.parametrize("kind", [PermissionDeniedError, ProtocolError, InvalidArgumentError])
def test_health_is_good_but_not_known_where_the_edge_lets_only_inference_in(
    kind: type[TriptychError], client: Client, transport: FakeTransport
) -> None:
    transport.configuration = kind("not for you")
    state = client.health()
    assert (state.ok, state.known, state.release) == (True, False, 12)


@pytest.mark.parametrize("kind", ERRORS)
def test_health_never_raises_where_the_inference_fails(
    kind: type[TriptychError], client: Client, transport: FakeTransport
) -> None:
    transport.failures = [kind("no luck today")]
    state = client.health()
    assert (state.ok, state.known, state.release) == (False, False, None)
    assert "no luck today" in state.reason


@pytest.mark.parametrize("kind", [UnavailableError, DeadlineExceededError, OverloadedError, ServerError])
def test_health_is_bad_where_the_server_fails_after_the_inference(
    kind: type[TriptychError], client: Client, transport: FakeTransport
) -> None:
    transport.configuration = kind("no luck today")
    state = client.health()
    assert (state.ok, state.reason, state.known) == (False, "no luck today", False)


def test_health_is_bad_where_the_image_is_rejected(client: Client, transport: FakeTransport) -> None:
    transport.failures = [InvalidArgumentError("[0] corrupt_image: broken")]
    state = client.health()
    assert (state.ok, state.release) == (False, None)
    assert "broken" in state.reason


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_health_says_where_nobody_answers(scheme: str, nobody: str) -> None:
    with Client(f"{scheme}://{nobody}") as client:
        state = client.health(timeout_s=5.0)
    assert (state.ok, state.known, state.release) == (False, False, None)
    assert nobody in state.reason


def test_waiting_ends_with_the_first_good_state(client: Client, transport: FakeTransport, clock: Clock) -> None:
    transport.failures = [UnavailableError("starting"), NotFoundError("loading")]
    state = client.wait_until_ready(60.0)
    assert (state.ok, state.release) == (True, 12)
    assert len(transport.requests) == 3
    assert clock.time_s < 1001.0


def test_waiting_in_vain_raises_with_the_last_state(client: Client, transport: FakeTransport, clock: Clock) -> None:
    transport.failures = [UnavailableError("starting"), *(NotFoundError(f"loading {n}") for n in range(1000))]
    with pytest.raises(DeadlineExceededError) as caught:
        client.wait_until_ready(2.0)
    assert str(caught.value) == f"not ready within 2 s: loading {len(transport.requests) - 2}"
    assert clock.time_s <= 1002.0


def test_waiting_asks_once_even_where_hardly_time_is_left(
    client: Client, transport: FakeTransport, clock: Clock
) -> None:
    assert client.wait_until_ready(1e-9).ok
    assert (len(transport.requests), clock.time_s) == (1, 1000.0)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf")])
def test_waiting_for_a_senseless_time_is_refused_at_once(client: Client, timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout_s must be a positive number of seconds"):
        client.wait_until_ready(timeout_s)


@pytest.mark.parametrize(
    ("failure", "answered"),
    [
        (UnavailableError("starting"), False),
        (DeadlineExceededError("slow"), False),
        (ProtocolError("another model"), True),
        (InvalidArgumentError("[0] not_an_image: no"), True),
    ],
)
def test_health_tells_a_wrong_answer_from_none(
    client: Client, transport: FakeTransport, failure: TriptychError, answered: bool
) -> None:
    transport.failures = [failure]
    state = client.health()
    assert (state.ok, state.answered) == (False, answered)


def test_a_check_is_cut_to_the_time_that_is_left(clock: Clock) -> None:
    silent = SilentTransport(clock)
    client = Client(timeout_s=10.0, connect=lambda _: silent, clock=clock.now, sleep=clock.sleep)
    with pytest.raises(DeadlineExceededError, match=r"no answer, 3$"):
        client.wait_until_ready(25.0)
    assert [request.timeout_s for request in silent.requests] == pytest.approx([10.0, 10.0, 4.8])
    assert clock.time_s == pytest.approx(1025.0)
