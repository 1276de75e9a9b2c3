"""Removing old releases, never one that an alias points to."""

from .aliases import Aliases
from .integrity import MANIFEST
from .publication import folder_name
from .storage import Storage


def prune(storage: Storage, aliases: Aliases, numbers: list[int], *, keep: int, dry_run: bool) -> list[int]:
    """Remove all of `numbers` but the `keep` highest and those with an alias; those that went, or would go."""
    gone = []
    for number in sorted(numbers)[: max(0, len(numbers) - keep)]:
        if number in _aliased(aliases):
            continue
        if dry_run or _remove(storage, aliases, number):
            gone.append(number)
    return gone


def _remove(storage: Storage, aliases: Aliases, number: int) -> bool:
    """Remove a release, its manifest first; whether it went, or an alias came to point to it meanwhile."""
    name = f"{folder_name(number)}/{MANIFEST}"
    document = storage.read(name)
    storage.remove(name)
    if document is not None and number in _aliased(aliases):
        # Whoever tags looks afterwards whether the release is still there, so one of the two sees the other.
        storage.create(name, document)
        return False
    storage.remove_all(folder_name(number))
    return True


def _aliased(aliases: Aliases) -> set[int]:
    return {target.number for target in aliases.all().values()}


def prune_unfinished(storage: Storage, *, dry_run: bool) -> list[int]:
    """Remove what lies below a number without being a release; these numbers."""
    published = {name.split("/")[1] for name in storage.matching(f"releases/*/{MANIFEST}")}
    held = (name for name in storage.folders("releases") if name.isascii() and name.isdigit())
    unfinished = sorted(int(name) for name in held if name not in published)
    if not dry_run:
        for number in unfinished:
            storage.remove_all(folder_name(number))
        storage.remove_parts()
    return unfinished
