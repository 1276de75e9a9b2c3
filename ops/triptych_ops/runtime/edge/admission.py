"""Who may ask, and what a request's body must be, as Lua scripts for Envoy; `admission/` has their parts. Pure."""

import json
from collections.abc import Iterable, Mapping
from importlib import resources

from triptych import contract

from .settings import ApiKey

_MAX_JSON_BYTES = 16 * 1024  # the SDK's has 500
_MAX_TEXT_BYTES = 256  # of an id
_PARTS = {"http": ("images", "json", "http", "request"), "grpc": ("images", "grpc", "request")}


def admission_script(protocol: str) -> str:
    """The script for `http` or `grpc`: it marks a request of the contract's form, and answers any other with 4xx."""
    constants = {
        "MODEL": _quoted(contract.MODEL_NAME),
        "INPUTS": _list(contract.INPUTS),
        "OUTPUTS": _list(contract.OUTPUTS),
        "MAX_BATCH": contract.MAX_BATCH_SIZE,
        "MAX_JSON": _MAX_JSON_BYTES,
        "MAX_TEXT": _MAX_TEXT_BYTES,
    }
    return _script(constants, _PARTS[protocol])


def key_script(keys: tuple[ApiKey, ...]) -> str:
    """The script that marks a request with one of these keys, and answers any other with 401."""
    clients = ", ".join(f"[{_quoted(key.secret)}] = {_quoted(key.client)}" for key in keys)
    return _script({"CLIENTS": f"{{ {clients} }}"}, ("keys",))


def _script(constants: Mapping[str, object], parts: Iterable[str]) -> str:
    folder = resources.files(__package__) / "admission"
    texts = [folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in parts]
    return "".join([*(f"local {name} = {value}\n" for name, value in constants.items()), *texts])


def _list(names: Iterable[str]) -> str:
    return "{ " + ", ".join(map(_quoted, names)) + " }"


def _quoted(text: str) -> str:
    return json.dumps(text)  # of printable ASCII, a string in Lua as well
