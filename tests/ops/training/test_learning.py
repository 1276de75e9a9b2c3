"""Losses, rates, layers and views, each against what it is defined as."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from triptych_ops import export
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.training import Settings, open_dataset, schedule
from triptych_ops.training.augmentation import Noise, QuarterTurns, views
from triptych_ops.training.frozen import compute_features
from triptych_ops.training.inputs import Inputs, in_order, shuffled
from triptych_ops.training.losses import FocalLoss, class_weights, make_loss
from triptych_ops.training.randomness import seeded
from triptych_ops.training.strategy import set_trained, trained_share

_CPU = torch.device("cpu")
_LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-2.0, 4.0, 1.0]])
_CLASSES = torch.tensor([0, 2, 2])


def own_loss(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """A user's own."""
    return functional.multi_margin_loss(logits, classes)


def test_focal_loss_is_its_equation() -> None:
    p = torch.softmax(_LOGITS, dim=1)[range(3), _CLASSES]
    expected = (-((1 - p) ** 2) * p.log()).mean()
    torch.testing.assert_close(FocalLoss(gamma=2)(_LOGITS, _CLASSES), expected)
    torch.testing.assert_close(FocalLoss(gamma=0)(_LOGITS, _CLASSES), functional.cross_entropy(_LOGITS, _CLASSES))


def test_weights_make_each_class_count_alike() -> None:
    weights = class_weights([10, 30, 60])
    assert [round(weight * count, 6) for weight, count in zip(weights, (10, 30, 60), strict=True)] == [33.333333] * 3
    expected = functional.cross_entropy(_LOGITS, _CLASSES, torch.tensor(weights))
    for name in ("cross-entropy", "focal"):
        loss = make_loss(Settings(loss=name, focal_gamma=0), weights=weights, device=_CPU)
        torch.testing.assert_close(loss(_LOGITS, _CLASSES), expected)


def test_an_own_loss_comes_by_its_import_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_losses.py").write_text(
        "import torch\ndef margin(l, c): return torch.nn.functional.multi_margin_loss(l, c)\n"
    )
    monkeypatch.chdir(tmp_path)
    loss = make_loss(Settings(loss="my_losses:margin"), weights=None, device=_CPU)
    torch.testing.assert_close(loss(_LOGITS, _CLASSES), own_loss(_LOGITS, _CLASSES))
    module = make_loss(Settings(loss="torch.nn:MultiMarginLoss"), weights=None, device=_CPU)
    torch.testing.assert_close(module(_LOGITS, _CLASSES), own_loss(_LOGITS, _CLASSES))


@pytest.mark.parametrize(
    ("settings", "weights", "error", "words"),
    [
        ({"loss": "hinge"}, None, UsageError, "there is no loss 'hinge'; choose cross-entropy, focal or MODULE:NAME"),
        ({"loss": "nowhere:loss"}, None, MissingError, "cannot be imported: No module named 'nowhere'"),
        ({"loss": "math:pi"}, None, UsageError, "cannot be called"),
        ({"loss": "math:cos"}, [1.0], UsageError, "takes no class weights; balance by oversampling"),
        ({"loss": "focal", "label_smoothing": 0.1}, None, UsageError, "label smoothing is of cross-entropy"),
    ],
)
def test_a_loss_that_cannot_be_is_refused(
    settings: dict[str, object], weights: list[float] | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_loss(Settings.model_validate(settings), weights=weights, device=_CPU)


def test_the_rate_follows_its_schedule() -> None:
    def rates(**settings: object) -> list[float]:
        chosen = Settings.model_validate({"epochs": 20, **settings})
        return [round(schedule.rate(chosen, epochs_done=epoch), 6) for epoch in (0, 6.9, 7, 14, 20)]

    assert rates(schedule="constant") == [1, 1, 1, 1, 1]
    assert rates(schedule="step", step_epochs=7, step_gamma=0.1) == [1, 1, 0.1, 0.01, 0.01]
    assert rates(schedule="cosine") == [round((1 + math.cos(math.pi * x / 20)) / 2, 6) for x in (0, 6.9, 7, 14, 20)]
    warm = Settings(epochs=20, schedule="cosine", warmup_epochs=4)
    assert [schedule.rate(warm, epochs_done=epoch) for epoch in (1, 2, 4, 12)] == [0.25, 0.5, 1, 0.5]
    assert 0 < schedule.rate(warm, epochs_done=0) < 0.01


def test_torchs_own_step_schedule_gives_the_same_rates() -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    settings = Settings(epochs=25, schedule="step", step_epochs=7, step_gamma=0.1)
    for epoch in range(25):
        assert theirs.get_last_lr()[0] == pytest.approx(1e-3 * schedule.rate(settings, epochs_done=epoch))
        optimizer.step()
        theirs.step()


def test_a_strategy_trains_its_layers_and_no_others() -> None:
    gradual = Settings(strategy="gradual", epochs=6)
    assert [trained_share(gradual, epoch=epoch) for epoch in range(6)] == [0, 0, 0.5, 0.5, 1, 1]
    network = export.begin("resnet18", classes=3, pretrained=False).network
    for share, first in ((0.0, "fc.weight"), (0.5, "layer3.0.conv1.weight"), (1.0, "conv1.weight")):
        set_trained(network, "fc", share=share)
        trained = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
        assert trained[0] == first
        assert trained[-2:] == ["fc.weight", "fc.bias"]
        normalisations = {module.training for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)}
        assert normalisations == {0.0: {False}, 0.5: {False, True}, 1.0: {True}}[share]


def test_views_are_the_seeds_and_differ_between_seeds() -> None:
    definition = export.begin("resnet18", classes=2, pretrained=False).preprocessing
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    for name in ("light", "photo", "article"):
        view = views(name, definition)
        made = []
        for seed in (1, 1, 2):
            with seeded(seed):
                made.append(np.asarray(view(Image.fromarray(pixels))))
        assert made[0].shape == (224, 224, 3)
        assert np.array_equal(made[0], made[1])
        assert not np.array_equal(made[0], made[2])


def test_turns_are_quarters_and_noise_is_small() -> None:
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    turned = set()
    for seed in range(40):
        with seeded(seed):
            turned.add(np.asarray(QuarterTurns()(image)).tobytes())
    assert turned == {np.rot90(np.asarray(image), turns).tobytes() for turns in range(4)}
    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    with seeded(0):
        noise = np.asarray(Noise()(grey)).astype(float) - 128
    assert noise.std() == pytest.approx(255 * 0.03, rel=0.05)
    assert abs(noise.mean()) < 0.5


def test_oversampling_brings_every_class_alike_often() -> None:
    classes = [0] * 10 + [1] * 3
    keys = [key for batch in shuffled(classes, balance="oversample", batch_size=4, seed=0, epoch=0) for key in batch]
    drawn = Counter(index for _, index in keys)
    assert sum(drawn[index] for index in range(10)) == sum(drawn[index] for index in range(10, 13)) == 10
    assert max(drawn.values()) - min(drawn[index] for index in range(10, 13)) <= 1
    assert len({seed for seed, _ in keys}) == 20  # no two views alike


def test_an_epoch_has_its_own_order_and_no_batch_of_one() -> None:
    orders = [shuffled([0] * 9, balance="none", batch_size=4, seed=0, epoch=epoch) for epoch in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert [len(batch) for batch in orders[0]] == [4, 5]
    assert sorted(index for batch in orders[0] for _, index in batch) == list(range(9))


def test_features_are_what_the_head_takes(digits: Path) -> None:
    dataset = open_dataset(digits)
    beginning = export.begin("lenet5", classes=4, pretrained=False)
    inputs = Inputs(dataset, beginning.preprocessing, augmentation="none")
    found = compute_features(
        beginning.network, beginning.head_name, inputs, batch_size=16, workers=0, device=_CPU, advance=lambda _: None
    )
    images, classes = next(inputs.batches(in_order(len(dataset), batch_size=len(dataset)), workers=0))
    head = beginning.network.get_submodule(beginning.head_name)
    torch.testing.assert_close(head(found.features), beginning.network(images))
    assert torch.equal(found.classes, classes)


@pytest.mark.parametrize("augmentation", ["none", "article"])
def test_workers_and_memory_make_the_same_batches(
    digits: Path, monkeypatch: pytest.MonkeyPatch, augmentation: str
) -> None:
    from triptych_ops.training import inputs as module

    dataset = open_dataset(digits)
    definition = export.begin("lenet5", classes=4, pretrained=False).preprocessing
    keys = shuffled([sample.label for sample in dataset.samples], balance="none", batch_size=50, seed=0, epoch=0)
    held = [*Inputs(dataset, definition, augmentation=augmentation).batches(keys, workers=2)]  # type: ignore[arg-type]
    monkeypatch.setattr(module, "HELD_BYTES", 0)
    decoded = [*Inputs(dataset, definition, augmentation=augmentation).batches(keys, workers=2)]  # type: ignore[arg-type]
    assert len(held) == 3
    for (ours, labels), (theirs, expected) in zip(held, decoded, strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(labels, expected)
