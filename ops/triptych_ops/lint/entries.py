"""Rules of a single name in the repository: decided by its status alone, so nothing is opened."""

import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from .findings import Finding
from .shell import is_plain
from .tree import Entry

_LONGEST_NAME = 128  # characters; file systems take 255 bytes, and copies with a suffix must fit, too

_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "E109": (".so", ".dll", ".dylib", ".pyd", ".exe", ".o", ".a"),
    "E110": (".pkl", ".pickle", ".pt", ".pth", ".pt2", ".joblib", ".dill", ".ckpt"),
    "E111": (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".whl", ".egg", ".jar", ".npz"),
    "E112": (".pyc", ".pyo"),
}
_CODE_OF_SUFFIX = {suffix: code for code, suffixes in _SUFFIXES.items() for suffix in suffixes}
_ENVIRONMENTS = {"__pycache__", "venv", "env", "virtualenv", "site-packages", "conda-meta"}
_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _kind(entry: Entry) -> Iterator[Finding]:
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK:
        yield Finding.of("E101", entry.path, "is a symbolic link")
    elif kind in _SPECIAL:
        yield Finding.of("E103", entry.path, f"is {_SPECIAL[kind]}")
    elif kind == stat.S_IFREG and entry.links > 1:
        yield Finding.of("E102", entry.path, f"is one of {entry.links} names of a file")


def _name(entry: Entry) -> Iterator[Finding]:
    name = entry.name
    if not name.isprintable():  # control characters, and bytes that are no UTF-8
        yield Finding.of("E104", entry.path, f"is called {name!a}, which is no plain text")
    if len(name) > _LONGEST_NAME:
        yield Finding.of("E104", entry.path, f"has a name of {len(name)} characters, more than {_LONGEST_NAME}")
    if "\\" in name:
        yield Finding.of("E104", entry.path, "has a backslash in its name, a path on some systems")
    if name.isprintable() and not is_plain(name):
        yield Finding.of("E116", entry.path, f"is called {name!r}, which may reach a shell")
    if name.startswith("."):
        yield Finding.of("E105", entry.path, "is hidden")
    if entry.is_folder and name.lower() in _ENVIRONMENTS:
        yield Finding.of("E112", entry.path, "holds bytecode or a Python environment")


def _suffix(entry: Entry) -> Iterator[Finding]:
    if entry.is_folder:
        return
    for suffix in reversed(PurePosixPath(entry.name.lower()).suffixes):  # libx.so.1 is a shared object, too
        if code := _CODE_OF_SUFFIX.get(suffix):
            yield Finding.of(code, entry.path, f"ends in {suffix}")
            return


def _permissions(entry: Entry) -> Iterator[Finding]:
    regular = stat.S_ISREG(entry.mode)
    if not regular and not entry.is_folder:
        return
    if regular and entry.mode & (stat.S_ISUID | stat.S_ISGID):
        yield Finding.of("E108", entry.path, "is setuid or setgid")
    elif regular and entry.mode & 0o111:
        yield Finding.of("E108", entry.path, "is executable")
    if entry.mode & stat.S_IWOTH:
        yield Finding.of("E108", entry.path, "can be written by everybody")


RULES: tuple[Callable[[Entry], Iterator[Finding]], ...] = (_kind, _name, _suffix, _permissions)


def check(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Whether each name may lie in a repository at all, whatever model it belongs to."""
    alike: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        alike[entry.path.casefold()].append(entry)
        for rule in RULES:
            yield from rule(entry)
    for first, *others in alike.values():
        for other in others:
            yield Finding.of("E106", other.path, f"differs from {first.path!r} only by case")
