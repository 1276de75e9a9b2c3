"""Which URLs are fetched. No network."""

import pytest

from triptych import Fetching, ImageError
from triptych.inputs.fetching import Location, is_public, is_url, shown


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://host", Location("http", "host", 80, "/")),
        ("HTTPS://Host/a.jpg", Location("https", "host", 443, "/a.jpg")),
        ("https://host:8443/a?size=2&x#part", Location("https", "host", 8443, "/a?size=2&x")),
        ("http://[::1]:80/", Location("http", "::1", 80, "/")),
        ("http://host/a b/ä%20.jpg?q=ü", Location("http", "host", 80, "/a%20b/%C3%A4%20.jpg?q=%C3%BC")),
        ("http://kätzchen.example/", Location("http", "xn--ktzchen-5wa.example", 80, "/")),
    ],
)
def test_a_url_is_read(url: str, location: Location) -> None:
    assert Location.from_url(url) == location


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/a", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("s3://bucket/a.jpg", "only http and https"),
        ("gopher://host:70/x", "only http and https"),
        ("http:///a.jpg", "no host"),
        ("http://me:secret@host/", "a name or a password"),
        ("http://me@host/", "a name or a password"),
        ("http://host:port/", "cannot be read"),
        ("http://host:99999/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        (f"http://{'a' * 64}.example/", "cannot be read"),
    ],
)
def test_what_is_not_fetched_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        Location.from_url(url)
    assert caught.value.code == "url_refused"
    assert "secret" not in str(caught.value)


def test_nothing_in_a_url_ends_a_line_of_the_request() -> None:
    location = Location.from_url("http://host/a\r\nX-Evil: 1\x00 \x7f")
    assert not {*location.target} & {*"\r\n\0 \x7f"}


@pytest.mark.parametrize(
    ("location", "header"),
    [
        (Location("http", "host", 80, "/"), "host"),
        (Location("https", "host", 80, "/"), "host:80"),
        (Location("https", "::1", 443, "/"), "[::1]"),
        (Location("http", "::1", 8080, "/"), "[::1]:8080"),
    ],
)
def test_the_host_header_names_what_is_not_usual(location: Location, header: str) -> None:
    assert location.host_header == header


@pytest.mark.parametrize(
    ("start", "to", "end"),
    [
        ("http://a/x/y", "z", Location("http", "a", 80, "/x/z")),
        ("http://a/x/y", "/z?q", Location("http", "a", 80, "/z?q")),
        ("http://a/x", "//b:8080/z", Location("http", "b", 8080, "/z")),
        ("http://a/x", "https://b/z", Location("https", "b", 443, "/z")),
        ("https://a/x", "https://b/z", Location("https", "b", 443, "/z")),
    ],
)
def test_a_redirect_is_followed_from_where_it_was(start: str, to: str, end: Location) -> None:
    assert Location.from_url(start).redirected(to, source=start) == end


@pytest.mark.parametrize("to", ["http://a/x", "file:///etc/passwd", "ftp://a/", "https://me:you@a/"])
def test_a_redirect_is_not_followed_anywhere(to: str) -> None:
    with pytest.raises(ImageError) as caught:
        Location.from_url("https://a/").redirected(to, source="https://a/")
    assert caught.value.code == "url_refused"


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),  # noqa: S104
        *("169.254.169.254", "169.254.1.1", "224.0.0.1", "239.255.255.250", "255.255.255.255", "198.18.0.1"),
        *("192.0.2.1", "203.0.113.1", "240.0.0.1", "192.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2002:a00:1::1", "2001:0:7f00:1::1"),
        *("2130706433", "0x7f.1", "127.1", "localhost", "", "017700000001"),
    ],
)
def test_any_other_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://host/a.jpg?X-Amz-Signature=secret", "https://host/a.jpg?…"),
        ("https://me:secret@host:8/a", "https://host:8/a"),
        ("http://[oops/secret", "http://…"),
    ],
)
def test_a_message_shows_no_secret_of_a_url(url: str, words: str) -> None:
    assert shown(url) == words


def test_a_url_of_any_scheme_is_no_path() -> None:
    assert [is_url(text) for text in ("http://h", "S3://b", "c:\\cat.jpg", "a/b://c", "http:/h", "")] == [
        *(True, True, False, False, False, False)
    ]


@pytest.mark.parametrize("setting", [{"timeout_s": 0.0}, {"timeout_s": float("inf")}, {"redirects": -1}])
def test_a_senseless_setting_is_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Fetching(**setting)  # type: ignore[arg-type]
