"""What a reader needs to check the release, and to build it again."""

from collections.abc import Sequence

from triptych_ops.card import figures
from triptych_ops.card.blocks import Block, Code, Commands, Label, Paragraph, Section, Table, Text, Verbatim
from triptych_ops.card.locations import labels_file
from triptych_ops.release import SIGNATURE, Manifest

_FIRST_LABELS = 5
_DIRTY = "-dirty"  # as `git describe` ends the name of a checkout whose files differ from the commit


def labelling(manifest: Manifest, labels: Sequence[str]) -> Section:
    """How many labels there are, and where."""
    path = labels_file(manifest)
    text: Text = f"{figures.count(manifest.classes)} labels, one of each class."
    if path is not None:
        text = (
            f"{figures.count(manifest.classes)} labels, one a line in ",
            Code(path),
            "; the class is the number of the line, counted from 0.",
        )
    blocks: list[Block] = [Paragraph(text)]
    if labels:
        rows: tuple[tuple[Text, ...], ...] = tuple(
            (str(class_id), Label(label)) for class_id, label in enumerate(labels[:_FIRST_LABELS])
        )
        blocks.append(
            Table(
                f"The first {len(rows)} of {figures.count(len(labels))} labels",
                ("Class", "Label"),
                rows,
                frozenset({0}),
            )
        )
    return Section("labels", "Labels", tuple(blocks))


def toolchain(manifest: Manifest) -> Section:
    """What built it."""
    versions: tuple[tuple[Text, ...], ...] = tuple(
        (Code(package), version) for package, version in manifest.toolchain.items()
    )
    return Section(
        "toolchain",
        "Toolchain",
        (
            Paragraph(_commit(manifest.git_commit)),
            Table("Versions at build time", ("Package", "Version"), versions),
        ),
    )


def _commit(commit: str | None) -> Text:
    if commit is None:
        return "Triptych ran from an installed package, not from a Git checkout."
    changed = ", with changes that were not committed" if commit.endswith(_DIRTY) else ""
    return ("Triptych ran from the Git commit ", Code(commit.removesuffix(_DIRTY)), f"{changed}.")


def files(manifest: Manifest) -> Section:
    """Every file with its size and digest."""
    rows: tuple[tuple[Text, ...], ...] = tuple(
        (Code(path), figures.count(digest.size), Code(digest.sha256)) for path, digest in manifest.files.items()
    )
    total = f"{len(rows):,} files, {figures.megabytes(manifest.size_bytes)} together"
    return Section("files", "Files", (Table(total, ("File", "Bytes", "SHA-256"), rows, frozenset({1})),))


def verification(manifest: Manifest) -> Section:
    """How to check a copy."""
    return Section(
        "verify",
        "How to verify",
        (
            Paragraph("Compare every file in a store with the manifest:"),
            Commands((Verbatim(f"triptych release verify {manifest.number}"),)),
            Paragraph(
                (
                    "Where the release is signed, its folder holds ",
                    Code(SIGNATURE),
                    ". The stock tool of OpenSSF Model Signing checks it with the signer's public key, here on a "
                    "release in the folder ",
                    Code("RELEASE"),
                    ":",
                )
            ),
            Commands(
                (
                    Verbatim(
                        f"python -m model_signing verify key RELEASE --signature RELEASE/{SIGNATURE} "
                        "--public_key PUBLIC.pem"
                    ),
                )
            ),
        ),
    )
