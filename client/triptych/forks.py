"""Child processes that were made by a fork: what belongs to the parent process is forgotten there.

A fork copies the memory of a process, but only the thread that forks. A child therefore has locks that no thread will
release, requests that no thread works on, and sockets that it shares with its parent: two processes that read from one
socket get each other's answers. Objects that hold any of these register here, weakly, and are told in the child.

Platforms without `os.fork` have nothing to register.
"""

import os
from collections.abc import Callable
from typing import Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """An object with state that a child process must not share with its parent."""

    def after_fork(self) -> None:
        """Forget that state. Called in the child process, before any other thread runs there."""


_OBJECTS: WeakSet[ForkAware] = WeakSet()


def register(aware: ForkAware) -> None:
    """Call `aware.after_fork` in every child process, as long as `aware` exists."""
    _OBJECTS.add(aware)


def at_fork(
    *,
    before: Callable[[], object] = lambda: None,
    after_in_parent: Callable[[], object] = lambda: None,
    after_in_child: Callable[[], object] = lambda: None,
) -> None:
    """`os.register_at_fork`, where it exists."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after_in_parent, after_in_child=after_in_child)


def disconnect(descriptor: int) -> None:
    """Let a descriptor of this process mean `/dev/null`, so that nothing that its owner does reaches a shared socket.

    Closing the descriptor would free its number for another file, while objects of the parent still hold it; a library
    that shuts its connection down would end the parent's.
    """
    if descriptor < 0:
        return
    null = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(null, descriptor, inheritable=False)
    finally:
        os.close(null)


def _forget() -> None:
    objects = [*_OBJECTS]  # all stay alive until each has been told: destructors touch sockets, too
    for each in objects:
        each.after_fork()


at_fork(after_in_child=_forget)
