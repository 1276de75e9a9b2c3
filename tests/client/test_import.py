"""What the SDK costs whoever installs and imports it."""

import importlib.metadata
import importlib.resources
import re
import subprocess
import sys

import pytest

import triptych

TOOLING = {
    "click",
    "gevent",
    "geventhttpclient",
    "kubernetes",
    "locust",
    "onnx",
    "onnxruntime",
    "pydantic",
    "pytriton",
    "rich",
    "torch",
    "torchvision",
    "triptych_ops",
    "PIL",
}
TRANSPORTS = {"grpc", "google", "tritonclient", "urllib3"}
EITHER_CLIENT = 'from triptych import Client; Client("grpc://h").close(); Client("http://h").close()'


def imported(statement: str) -> set[str]:
    """Names of the top-level modules that a fresh interpreter holds after `statement`."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def distribution_name(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0].lower()


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import triptych", TOOLING | TRANSPORTS),
        ('from triptych import Client; Client("http://h").close()', TOOLING | {"grpc"}),
        ('from triptych import Client; Client("http://h", shrink=True, fetch_urls=True).close()', TOOLING | {"grpc"}),
        (EITHER_CLIENT, TOOLING),
    ],
    ids=["package", "HTTP client", "HTTP client with everything", "both clients"],
)
def test_nothing_is_imported_before_it_is_needed(statement: str, absent: set[str]) -> None:
    modules = imported(statement)
    assert "triptych" in modules
    assert modules & absent == set()


def test_the_base_requirements_are_numpy_and_tritonclient_with_grpc() -> None:
    requirements = importlib.metadata.requires("triptych") or []
    base = [requirement for requirement in requirements if "extra" not in requirement.partition(";")[2]]
    assert sorted(re.split(r"[<>=!~; ]", requirement, maxsplit=1)[0] for requirement in base) == [
        "numpy",
        "tritonclient[grpc]",
    ]


def test_whatever_the_transports_import_directly_comes_with_tritonclient() -> None:
    brought = {
        distribution_name(requirement)
        for requirement in importlib.metadata.requires("tritonclient") or []
        if not (marker := requirement.partition(";")[2]) or "'grpc'" in marker or '"grpc"' in marker
    }
    assert brought >= {"grpcio", "numpy", "urllib3"}


def test_the_version_is_that_of_the_package_and_is_read_only_when_asked_for() -> None:
    assert triptych.__version__ == importlib.metadata.version("triptych")
    shown = "print('__version__' in vars(triptych));"
    program = f"import triptych; {shown} triptych.__version__; {shown}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="module 'triptych' has no attribute 'version'"):
        triptych.version  # noqa: B018


def test_the_type_hints_are_announced() -> None:
    files = importlib.resources.files("triptych")
    assert files.joinpath("py.typed").is_file()
