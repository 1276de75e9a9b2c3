import pytest

from triptych import InvalidUrlError
from triptych.endpoint import Endpoint


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("grpc://localhost", Endpoint("grpc", "localhost", 8001)),
        ("grpcs://triton.example", Endpoint("grpcs", "triton.example", 8001)),
        ("http://localhost", Endpoint("http", "localhost", 8000)),
        ("https://triton.example", Endpoint("https", "triton.example", 443)),
        ("grpc://localhost:9001", Endpoint("grpc", "localhost", 9001)),
        ("https://triton.example:8443", Endpoint("https", "triton.example", 8443)),
        ("grpc://localhost:65535", Endpoint("grpc", "localhost", 65535)),
        ("grpc://localhost:8001/", Endpoint("grpc", "localhost", 8001)),
        ("grpc://localhost:", Endpoint("grpc", "localhost", 8001)),
        ("GRPC://LocalHost", Endpoint("grpc", "localhost", 8001)),
        ("grpc://10.0.0.7", Endpoint("grpc", "10.0.0.7", 8001)),
        ("grpc://[::1]", Endpoint("grpc", "::1", 8001)),
        ("http://[2001:db8::1]:80", Endpoint("http", "2001:db8::1", 80)),
        ("http://edge/vision", Endpoint("http", "edge", 8000, "/vision")),
        ("https://edge/vision/images/", Endpoint("https", "edge", 443, "/vision/images")),
        ("http://edge/", Endpoint("http", "edge", 8000)),
    ],
)
def test_a_url_gives_scheme_host_port_and_prefix(url: str, endpoint: Endpoint) -> None:
    assert Endpoint.from_url(url) == endpoint


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("grpc://localhost", "grpc://localhost:8001"),
        ("https://edge/vision/", "https://edge:443/vision"),
        ("grpc://[::1]", "grpc://[::1]:8001"),
        ("http://[2001:db8::1]:80/vision", "http://[2001:db8::1]:80/vision"),
    ],
)
def test_an_endpoint_is_written_with_everything_that_was_left_out(url: str, written: str) -> None:
    endpoint = Endpoint.from_url(url)
    assert str(endpoint) == written
    assert Endpoint.from_url(written) == endpoint


@pytest.mark.parametrize(
    ("endpoint", "authority"),
    [
        (Endpoint("grpc", "localhost", 8001), "localhost:8001"),
        (Endpoint("http", "::1", 8000, "/vision"), "[::1]:8000"),
    ],
)
def test_the_authority_is_host_and_port_alone(endpoint: Endpoint, authority: str) -> None:
    assert endpoint.authority == authority


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme"),
        ("localhost", "scheme"),
        ("localhost:8001", "scheme"),
        ("//localhost:8001", "scheme"),
        ("ftp://localhost", "scheme"),
        ("tcp://localhost:8001", "scheme"),
        ("grpc:localhost", "host"),
        ("grpc://", "host"),
        ("grpc://:8001", "host"),
        ("http:///vision", "host"),
        ("grpc://localhost:port", "Port"),
        ("grpc://localhost:-1", "Port"),
        ("grpc://localhost:65536", "Port"),
        ("grpc://::1:8001", "Port"),
        ("grpc://[::1", "IPv6"),
        ("grpc://localhost/vision", "only scheme, host and port"),
        ("grpcs://localhost/vision/", "only scheme, host and port"),
        ("http://localhost/?a=b", "only scheme, host and port"),
        ("http://localhost/#here", "only scheme, host and port"),
        ("grpc://localhost:0", "port 0"),
        ("http://a b", "the host cannot be read"),
        (r"grpc://h\x", "the host cannot be read"),
        ("grpc://[::1]x:5", "the host cannot be read"),
    ],
)
def test_another_url_is_refused_with_the_reason_and_an_example(url: str, reason: str) -> None:
    with pytest.raises(InvalidUrlError, match=reason) as caught:
        Endpoint.from_url(url)
    assert repr(url) in str(caught.value)
    assert "grpc://localhost:8001" in str(caught.value)


@pytest.mark.parametrize("credentials", ["someone", "someone:secret", ":secret", ""])
@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_credentials_are_refused_and_never_repeated(scheme: str, credentials: str) -> None:
    with pytest.raises(InvalidUrlError, match="only scheme, host and port") as caught:
        Endpoint.from_url(f"{scheme}://{credentials}@localhost")
    assert "***@localhost" in str(caught.value)
    assert "someone" not in str(caught.value)
    assert "secret" not in str(caught.value)
