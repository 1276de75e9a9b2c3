"""Which release is rolled out, and what is known of it before anything of the cluster."""

import click

from triptych_ops.cli.release.soundness import require_sound
from triptych_ops.cli.trust_options import Acceptance
from triptych_ops.release import Manifest, Store
from triptych_ops.release.signing import Trust
from triptych_ops.rollout.state import Binding, Golden


def chosen(
    store: Store, ref: str, digest: str | None, trust: Trust | None, acceptance: Acceptance
) -> tuple[Binding, tuple[Golden, ...], str]:
    """The release, its golden answers, and what was checked: of one from the store files, signature and repository.

    Raises:
        RefusedError: it is not sound.
    """
    if digest is not None:
        if not ref.isdigit():
            raise click.UsageError("--manifest-sha256 needs a number for --release")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise click.UsageError(f"--manifest-sha256 is {digest!r}, not 64 hexadecimal digits")
        return Binding(release=int(ref), manifest_sha256=digest), (), "its digest was given, the pods check it"
    release = acceptance.release(store, ref, trust)
    with store.local_copy(release) as copy:
        require_sound(copy, release, trust=trust, called=f"release {release.number}")
    signed = "a signature that is trusted" if trust else "no signature asked for"
    checked = f"files as in its manifest, {signed}, nothing found by lint"
    binding = Binding(release=release.number, manifest_sha256=release.manifest_sha256)
    return binding, golden_of(release.manifest), checked


def golden_of(manifest: Manifest) -> tuple[Golden, ...]:
    """The best class of each golden answer."""
    return tuple(
        Golden(photograph=each.image, class_id=best.class_id, label=best.label, score=best.score)
        for each in manifest.golden
        for best in each.predictions[:1]
    )
