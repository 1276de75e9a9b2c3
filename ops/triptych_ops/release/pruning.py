"""Removing old releases, never one that an alias points to."""

from .aliases import Aliases
from .integrity import MANIFEST
from .publication import NO_MANIFEST, folder_name, manifest_name, number_of
from .storage import Storage


def prune(storage: Storage, aliases: Aliases, numbers: list[int], *, keep: int, dry_run: bool) -> list[int]:
    """Remove all of `numbers` but the `keep` highest and those with an alias; those that went, or would go.

    Raises:
        RefusedError: an alias is corrupt, so nobody knows what it points to.
    """
    gone = []
    for number in sorted(numbers)[: max(0, len(numbers) - keep)]:
        if number in _aliased(aliases):
            continue
        if dry_run or _remove(storage, aliases, number):
            gone.append(number)
    return gone


def prune_unfinished(storage: Storage, aliases: Aliases, *, dry_run: bool) -> list[int]:
    """Remove what lies below a number without being a release; these numbers.

    A release with an alias stays: another pruner takes its manifest away for a moment while it looks for aliases.

    Raises:
        RefusedError: an alias is corrupt, so nobody knows what it points to.
    """
    # Folders first: what appears after this look is published in the next one.
    held = [number for name in storage.folders("releases") if (number := number_of(name)) is not None]
    published = {name.split("/")[1] for name, size in storage.matching(f"releases/*/{MANIFEST}").items() if size}
    unfinished = sorted(number for number in held if str(number) not in published)
    if unfinished:
        protected = _aliased(aliases)
        unfinished = [number for number in unfinished if number not in protected]
    if dry_run:
        return unfinished
    gone = [number for number in unfinished if _remove_unfinished(storage, number)]
    storage.remove_parts()
    return gone


def _remove(storage: Storage, aliases: Aliases, number: int) -> bool:
    """Remove a release, its manifest first; whether it went, or an alias came to point to it meanwhile."""
    name = manifest_name(number)
    document = storage.read(name)
    if not document:
        return False  # somebody else removes it
    try:
        storage.remove(name)
        # Whoever tags looks afterwards whether the release is still there, so one of the two sees the other.
        aliased = number in _aliased(aliases)
    except BaseException:
        storage.create(name, document)
        raise
    if aliased:
        storage.create(name, document)
        return False
    return _remove_unfinished(storage, number)


def _remove_unfinished(storage: Storage, number: int) -> bool:
    """Remove what lies below a number; False where a release appeared there meanwhile."""
    if storage.create(manifest_name(number), NO_MANIFEST) is not None:
        return False
    storage.remove_all(folder_name(number), last=MANIFEST)
    return True


def _aliased(aliases: Aliases) -> set[int]:
    return {target.number for target in aliases.all().values()}
