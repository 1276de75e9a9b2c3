import pytest

from triptych import (
    AsyncClient,
    Client,
    Fetching,
    Hedging,
    InvalidSettingError,
    InvalidUrlError,
    Resilience,
    Retry,
    environment,
)
from triptych.config import BackOff
from triptych.settings import DEFAULT_TIMEOUT_S, NOT_GIVEN, Options, Shrink


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "TIMEOUT", "TOP_K", "SHRINK", "FETCH_URLS", "RETRY", "BACK_OFF", "BREAKER", "HEDGING"):
        monkeypatch.delenv(f"TRIPTYCH_{name}", raising=False)


def options() -> Options:
    return environment.options(timeout_s=NOT_GIVEN, top_k=NOT_GIVEN, shrink=NOT_GIVEN, fetch_urls=NOT_GIVEN)


def urls(given: str | list[str] | None = None) -> list[str]:
    return [str(endpoint) for endpoint in environment.endpoints(NOT_GIVEN if given is None else given)]


def test_the_defaults_hold_where_nobody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_TIMEOUT", " ")
    monkeypatch.setenv("TRIPTYCH_URL", "")
    assert options() == Options(timeout_s=DEFAULT_TIMEOUT_S, top_k=None, shrink=False, fetching=None)
    assert environment.resilience(NOT_GIVEN) == Resilience()
    assert urls() == ["grpc://localhost:8001"]


def test_a_variable_goes_before_the_default_and_a_keyword_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_TIMEOUT", "2.5")
    monkeypatch.setenv("TRIPTYCH_TOP_K", "3")
    monkeypatch.setenv("TRIPTYCH_SHRINK", "640")
    monkeypatch.setenv("TRIPTYCH_FETCH_URLS", "yes")
    monkeypatch.setenv("TRIPTYCH_URL", "http://a")
    assert options() == Options(timeout_s=2.5, top_k=3, shrink=640, fetching=Fetching())
    own = Fetching(redirects=0)
    given = environment.options(timeout_s=1.0, top_k=None, shrink=False, fetch_urls=own)
    assert given == Options(timeout_s=1.0, fetching=own)
    assert environment.options(timeout_s=1.0, top_k=1, shrink=True, fetch_urls=False).fetching is None
    assert (urls(), urls("grpc://b")) == (["http://a:8000"], ["grpc://b:8001"])


@pytest.mark.parametrize(
    ("text", "shrink"), [("true", True), ("1", True), ("YES", True), ("0", False), ("no", False), ("512", 512)]
)
def test_shrinking_is_a_switch_or_a_number(text: str, shrink: Shrink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_SHRINK", text)
    assert options().shrink is shrink or options().shrink == shrink != 1


@pytest.mark.parametrize("given", ["grpc://a,http://b:1/x , dns:///c", None])
def test_several_servers_have_commas_between_them(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if given is None:
        monkeypatch.setenv("TRIPTYCH_URL", "grpc://a,http://b:1/x , dns:///c")
    assert urls(given) == ["grpc://a:8001", "http://b:1/x", "dns:///c:8001"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("TRIPTYCH_TIMEOUT", "soon", "write a number"),
        ("TRIPTYCH_TIMEOUT", "-1", "positive number of seconds"),
        ("TRIPTYCH_TIMEOUT", "inf", "positive number of seconds"),
        ("TRIPTYCH_TOP_K", "2.5", "write a whole number"),
        ("TRIPTYCH_TOP_K", "0", "at least 1"),
        ("TRIPTYCH_SHRINK", "small", "write one of 1, true, yes, 0, false, no"),
        ("TRIPTYCH_SHRINK", "-5", "write one of"),
        ("TRIPTYCH_FETCH_URLS", "2", "write one of"),
        ("TRIPTYCH_RETRY", "on", "write off, or NAME=VALUE"),
        ("TRIPTYCH_RETRY", "attempts=0", "attempts must be at least 1"),
        ("TRIPTYCH_RETRY", "attempts=many", "write a whole number"),
        ("TRIPTYCH_RETRY", "attempts=2,tries=3", "the names are attempts, base_s"),
        ("TRIPTYCH_BREAKER", "open_s=", "write a number"),
        ("TRIPTYCH_HEDGING", "after_s=-1", "positive"),
    ],
)
@pytest.mark.parametrize("client", [Client, AsyncClient], ids=lambda client: client.__name__)
def test_a_bad_value_is_one_error_that_names_its_variable(
    client: type[Client | AsyncClient], name: str, text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(InvalidSettingError, match=words) as caught:
        client()
    assert str(caught.value).startswith(f"{name}={text} in the environment: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["localhost:8001", "grpc://a,,grpc://b", ",", "grpc://me:secret@a"])
def test_a_bad_url_names_its_variable_and_no_password(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_URL", text)
    with pytest.raises(InvalidUrlError, match=r"^TRIPTYCH_URL in the environment: URL ") as caught:
        Client()
    assert "secret" not in str(caught.value)
    Client("grpc://a").close()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("RETRY", "off", Resilience(retry=None)),
        ("RETRY", "OFF", Resilience(retry=None)),
        ("RETRY", "attempts=2, base_s=0.1", Resilience(retry=Retry(attempts=2, base_s=0.1))),
        ("BACK_OFF", "cap_s=3", Resilience(back_off=BackOff(cap_s=3.0))),
        ("HEDGING", "after_s=0.3", Resilience(hedging=Hedging(after_s=0.3))),
        ("HEDGING", "off", Resilience()),
        ("BREAKER", "off", Resilience(breaker=None)),
    ],
)
def test_each_piece_of_resilience_has_a_variable(
    name: str, text: str, expected: Resilience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TRIPTYCH_{name}", text)
    assert environment.resilience(NOT_GIVEN) == expected
    assert environment.resilience(Resilience.off()) == Resilience.off()


def test_the_documented_variables_are_those_that_are_read() -> None:
    assert environment.__doc__ is not None
    for name in ("URL", "TIMEOUT", "TOP_K", "SHRINK", "FETCH_URLS", "RETRY", "EJECTION", "KEEPALIVE", "HEDGING"):
        assert f"TRIPTYCH_{name}" in environment.__doc__


def test_shrinking_without_pillow_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triptych.settings.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pip install 'triptych\[images\]'"):
        Client(shrink=True)
    Client(shrink=False).close()
