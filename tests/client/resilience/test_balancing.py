from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from triptych import BackOff, Ejection, Resilience
from triptych.endpoint import Endpoint
from triptych.resilience.balancing import Balancer
from triptych.resilience.retry import Sign

A, B, C = (Endpoint.from_url(f"grpc://{name}") for name in "abc")
POLICY = replace(Resilience(), back_off=BackOff(base_s=1.0, cap_s=8.0), ejection=None)
EJECTING = replace(Resilience(), ejection=Ejection(least=10, window=20, base_s=10.0, cap_s=300.0))


def balancer(policy: Resilience = POLICY, *, servers: Sequence[Endpoint] = (A, B, C), share: float = 1.0) -> Balancer:
    return Balancer(servers, policy, random=lambda: share)


def picks(of: Balancer, count: int, *, now: float = 0.0) -> list[Endpoint]:
    return [of.pick(now) for _ in range(count)]


def one_answer(of: Balancer, now: float, bad: Endpoint, sign: Sign = Sign.FAULTY) -> Endpoint:
    """A call to the next server, which answers well unless it is `bad`."""
    server = of.pick(now)
    of.report(server, sign if server == bad else Sign.WELL, began=now, now=now)
    return server


def test_servers_take_turns() -> None:
    assert picks(balancer(), 7) == [A, B, C, A, B, C, A]


def test_an_attempt_goes_where_the_call_has_not_been() -> None:
    servers = balancer()
    assert servers.pick(0.0, [A]) == B
    assert servers.pick(0.0, [A, C]) == B
    assert servers.pick(0.0, [A, B, C]) in {A, B, C}


@pytest.mark.parametrize(
    ("tried", "ready_at", "found"), [([A, B, C], 0, False), ([A], 0, True), ([A, C], 0, False), ([A, C], 1.0, True)]
)
def test_whether_there_is_another_server_that_is_ready(tried: list[Endpoint], ready_at: float, found: bool) -> None:
    servers = balancer()
    servers.report(B, Sign.GONE, began=0.0, now=0.0)
    assert servers.has_other(tried, ready_at=ready_at) is found
    assert servers.has_other([A, C])  # at any time


@pytest.mark.parametrize(("share", "rest_s"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_a_server_that_is_gone_rests(share: float, rest_s: float) -> None:
    servers = balancer(share=share)
    servers.report(A, Sign.GONE, began=0.0, now=0.0)
    assert servers.resting(rest_s - 0.01) == 1
    assert A not in picks(servers, 6, now=rest_s - 0.01)
    assert servers.resting(rest_s) == 0
    assert picks(servers, 3, now=rest_s) == [A, B, C]


def test_each_rest_in_a_row_is_twice_the_one_before_up_to_its_cap() -> None:
    servers, now, rests = balancer(servers=[A]), 0.0, []
    for _ in range(6):
        servers.report(A, Sign.GONE, began=now, now=now)
        began = now
        while servers.resting(now):
            now += 0.5
        rests.append(now - began)
    assert rests == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    servers.report(A, Sign.WELL, began=now, now=now)
    servers.report(A, Sign.GONE, began=now, now=now)
    assert servers.resting(now + 0.9) == 1
    assert servers.resting(now + 1.0) == 0


def test_one_call_at_a_time_tries_a_server_that_comes_back() -> None:
    servers = balancer()
    servers.report(A, Sign.GONE, began=0.0, now=0.0)
    assert Counter(picks(servers, 9, now=1.0)) == {A: 1, B: 4, C: 4}
    assert Counter(picks(servers, 9, now=2.0))[A] == 1  # nothing was heard of that call: another one tries
    servers.report(A, Sign.WELL, began=2.0, now=2.1)
    assert Counter(picks(servers, 9, now=2.1)) == {A: 3, B: 3, C: 3}


@pytest.mark.parametrize("sign", [Sign.WELL, Sign.BUSY])
def test_a_call_from_before_the_rest_says_nothing(sign: Sign) -> None:
    servers = balancer()
    servers.report(A, Sign.GONE, began=0.0, now=1.0)
    servers.report(A, sign, began=0.5, now=1.2)
    assert servers.resting(1.2) == 1
    for _ in range(20):  # those that failed together are one failure
        servers.report(A, Sign.GONE, began=0.5, now=1.2)
    assert servers.resting(2.0) == 0


def test_where_all_rest_the_one_whose_rest_ends_first_is_asked() -> None:
    servers = balancer()
    for server, now in ((B, 0.0), (A, 0.1), (C, 0.2)):
        servers.report(server, Sign.GONE, began=now, now=now)
    assert set(picks(servers, 5, now=0.3)) == {B}
    servers.report(B, Sign.GONE, began=0.3, now=0.4)
    assert set(picks(servers, 5, now=0.5)) == {A}


def test_away_from_a_dead_stub_a_resting_server_is_better_than_the_same() -> None:
    servers = balancer(servers=[A, B])
    servers.report(B, Sign.GONE, began=0.0, now=0.0)
    assert servers.pick(0.1, [A]) == A
    assert servers.pick(0.1, [A], avoided=A) == B


def test_a_server_is_not_asked_before_it_said() -> None:
    servers = balancer()
    servers.report(A, Sign.BUSY, began=0.0, now=0.0, retry_after_s=5.0)
    servers.report(B, Sign.BUSY, began=0.0, now=0.0, retry_after_s=float("inf"))  # of the call, not of the server
    assert set(picks(servers, 6, now=4.9)) == {B, C}
    assert set(picks(servers, 6, now=5.0)) == {A, B, C}


def test_without_back_off_nothing_rests() -> None:
    servers = balancer(replace(POLICY, back_off=None))
    for _ in range(50):
        servers.report(A, Sign.GONE, began=0.0, now=0.0)
    assert servers.resting(0.0) == 0
    assert picks(servers, 3) == [A, B, C]


def test_what_is_known_of_a_server_that_stays_is_kept() -> None:
    servers = balancer(servers=[A, B])
    servers.report(A, Sign.GONE, began=0.0, now=0.0)
    servers.replace([A, C])
    assert servers.endpoints == (A, C)
    assert servers.resting(0.5) == 1
    servers.report(B, Sign.GONE, began=0.0, now=0.0)  # none of them any more
    assert servers.resting(0.5) == 1
    assert set(picks(servers, 4, now=0.5)) == {C}


@pytest.mark.parametrize("sign", [Sign.FAULTY, Sign.GONE])
def test_a_bad_server_of_three_gets_few_calls(sign: Sign) -> None:
    servers = balancer(EJECTING)
    asked = Counter(one_answer(servers, call / 100, A, sign) for call in range(6000))  # a minute
    assert asked[A] <= 15
    assert abs(asked[B] - asked[C]) < 60
    assert servers.ejections == (3 if sign is Sign.FAULTY else 0)  # at 0.3, 10, 30 s


def test_without_ejection_it_gets_its_third() -> None:
    servers = balancer(replace(EJECTING, ejection=None))
    assert Counter(one_answer(servers, call / 100, A) for call in range(6000))[A] == 2000


def test_an_outlier_that_recovers_takes_its_turns_again() -> None:
    servers = balancer(EJECTING)
    for call in range(40):
        one_answer(servers, call / 100, A)
    assert servers.resting(1.0) == 1
    asked = Counter(one_answer(servers, 11.0 + call / 100, C, Sign.WELL) for call in range(300))
    assert asked == {A: 100, B: 100, C: 100}


def test_the_first_failure_after_an_ejection_is_one_more() -> None:
    servers = balancer(EJECTING)
    for call in range(40):
        one_answer(servers, call / 100, A)
    while one_answer(servers, 11.0, A) != A:
        pass
    assert servers.ejections == 2
    assert servers.resting(11.0 + 19.9) == 1
    assert servers.resting(11.0 + 20.1) == 0


def test_ejections_count_anew_after_a_long_good_time() -> None:
    servers = balancer(EJECTING)
    for call in range(40):
        one_answer(servers, call / 100, A)
    one_by_one = (one_answer(servers, 11.0 + call, C, Sign.WELL) for call in range(350))
    assert Counter(one_by_one)[A] > 100
    for call in range(60):
        one_answer(servers, 400.0 + call / 100, A)
    assert servers.ejections == 2
    assert servers.resting(400.0 + 9.0) == 1
    assert servers.resting(400.0 + 11.0) == 0  # a first rest


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_last_one_that_is_ready_is_never_ejected(count: int) -> None:
    servers = balancer(EJECTING, servers=(A, B, C)[:count])
    for call in range(2000):
        now = call / 100
        servers.report(servers.pick(now), Sign.FAULTY, began=now, now=now)
        assert servers.resting(now) < count


def test_while_the_others_are_gone_a_bad_one_stays() -> None:
    servers = balancer(EJECTING)
    now = 0.0
    for call in range(2000):
        now = call / 100
        server = servers.pick(now)
        servers.report(server, Sign.FAULTY if server == A else Sign.GONE, began=now, now=now)
    assert servers.ejections == 0


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_a_server_is_picked_and_fairly(seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    servers = Balancer((A, B, C), Resilience(), random=draw.random)
    now, asked = 0.0, Counter[Endpoint]()
    for _ in range(1000):
        now += draw.expovariate(20)
        server = servers.pick(now, draw.sample((A, B, C), draw.randrange(4)), avoided=draw.choice([None, A, B, C]))
        after_s = draw.choice([None] * 20 + [0.0, 1.0, float("inf")])
        servers.report(server, draw.choice([*Sign]), began=now - draw.random(), now=now, retry_after_s=after_s)
        assert 0 <= servers.resting(now) <= 3
        asked[server] += 1
    for _ in range(2000):  # all is well again: within the longest rests each takes its turns
        now += 0.5
        server = servers.pick(now)
        servers.report(server, Sign.WELL, began=now, now=now)
    assert Counter(picks(servers, 300, now=now)) == {A: 100, B: 100, C: 100}
    assert set(asked) == {A, B, C}
