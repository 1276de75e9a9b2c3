"""What a reader must not conclude from the card, derived from the manifest alone."""

from collections.abc import Callable

from triptych_ops.card import figures
from triptych_ops.card.blocks import Bullets, Section, Text
from triptych_ops.release import Manifest


def limits(manifest: Manifest) -> Section:
    """What holds for every release, then what holds for this one."""
    own = (text for rule in _RULES if (text := rule(manifest)) is not None)
    return Section("limits", "Limits", (Bullets((*_general(manifest), *own)),))


def _general(manifest: Manifest) -> tuple[Text, ...]:
    classes, images = figures.count(manifest.classes), figures.of_images(manifest.quality.images)
    follows = (
        "Agreement says how closely the release follows its network in torch, not how often that network is right: "
    )
    accuracy = "the manifest holds no accuracy on labelled pictures."
    if manifest.training:
        tested = figures.of_images(manifest.training.test_images)
        accuracy = f"that is the accuracy under Figures, on {tested} of the run's data set that it was not trained on."
    return (
        follows + accuracy,
        f"Agreement was measured on {images} ({manifest.quality.source}). How the release does on others is not known.",
        f"Every picture gets {manifest.top_k} of the {classes} classes, also one that shows none of them.",
        "The manifest says nothing about speed, about whether a probability means as much as it says, or about "
        "differences between groups of people, places or cameras.",
    )


def _single_images(manifest: Manifest) -> Text | None:
    if manifest.quality.score_max_tolerance is not None:
        return None
    most = figures.measure(manifest.quality.score_max_difference)
    return f"The probabilities of a single image are held to no bound; one was {most} away from the reference."


def _disagreement(manifest: Manifest) -> Text | None:
    quality = manifest.quality
    differing = round((1 - quality.top1_agreement) * quality.images)
    if not differing:
        return None
    return (
        f"On {figures.of_images(differing)} of {figures.count(quality.images)} the best class was not the reference's, "
        "nor a tie with it."
    )


def _gpu(manifest: Manifest) -> Text | None:
    return None if manifest.gpu is None else "On a GPU nothing was measured; see Figures."


def _licence(manifest: Manifest) -> Text | None:
    if manifest.weights.licence is not None:
        return None
    return "Nobody stated the licence of the weights. Find it out before you use the release or pass it on."


def _origin(manifest: Manifest) -> Text | None:
    if manifest.weights.package is not None or manifest.training is not None:
        return None
    return "The weights are no published package's; only their SHA-256 says which they are."


def _changed_checkout(manifest: Manifest) -> Text | None:
    if not (manifest.git_commit or "").endswith("-dirty"):
        return None
    return "The tooling held changes that were not committed, so the commit alone does not build this release again."


_RULES: tuple[Callable[[Manifest], Text | None], ...] = (
    _single_images,
    _disagreement,
    _gpu,
    _licence,
    _origin,
    _changed_checkout,
)
