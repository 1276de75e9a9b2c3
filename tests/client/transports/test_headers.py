from types import MappingProxyType

import pytest

from triptych.transports.headers import checked


def test_names_go_in_lower_case() -> None:
    found = checked({"X-Api-Key": "secret", "Tenant": "one two"})
    assert found == {"x-api-key": "secret", "tenant": "one two"}
    assert isinstance(found, MappingProxyType)


@pytest.mark.parametrize("name", ["", " ", "a b", "a:b", "a\r\nb", "é", ":path", "a\0", '"'])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]* is no name of a header$"):
        checked({name: "value"})


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "connection",
        "Content-Length",
        "content-type",
        "Transfer-Encoding",
        "te",
        "Upgrade",
        "expect",
        "Inference-Header-Content-Length",
        "grpc-timeout",
        "trace-bin",
        "user-agent",
        "proxy-authorization",
    ],
)
def test_the_protocols_own_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is the protocol's own"):
        checked({name: "value"})


@pytest.mark.parametrize(
    "value", ["", " ", "k\r\nx-evil: 1", "key\n", "\nkey", "key\t", " key", "key ", "kéy", "k\0y", "\x7f"]
)
def test_a_value_that_is_no_text_of_one_line_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match=r"^the value of the header x must be visible ASCII[^\n]*$") as caught:
        checked({"X": value})
    assert not value.strip() or value not in str(caught.value)


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="the header x is given twice"):
        checked({"x": "1", "X": "2"})
