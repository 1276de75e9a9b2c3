"""A network that is trained under rounding bears it."""

from functools import partial
from pathlib import Path

import pytest
import torch

from ops.training.digits import LENET, write_digits
from triptych_ops import training
from triptych_ops.training import Dataset, Run, loop, quantisation
from triptych_ops.training.inputs import Inputs, in_order
from triptych_ops.training.quantisation import rounded_activation, rounded_weight, simulate_activations, simulated

FEW_BITS = 4  # of eight bits so small a network bears the rounding anyhow
MOBILENET = LENET.model_copy(update={"architecture": "mobilenet_v3_small", "image_size": 48, "epochs": 10})


@pytest.mark.parametrize("bits", [3, 8])
def test_weights_lie_on_a_grid_of_their_channel(bits: int) -> None:
    weight = torch.randn(4, 3, 5, 5) * torch.tensor([1e-3, 1.0, 50.0, 0.0])[:, None, None, None]
    found = rounded_weight(weight, bits=bits)
    for channel, own in zip(found, weight, strict=True):
        step = own.abs().max() / (2 ** (bits - 1) - 1)
        assert len(set(channel.flatten().tolist())) <= 2**bits - 1
        assert (channel - own).abs().max() <= step / 2 + 1e-6 * step + 1e-12


def test_activations_keep_zero_and_their_range() -> None:
    values = torch.cat([torch.zeros(5), torch.linspace(-1, 3, 1001)])
    found = rounded_activation(values, bits=8)
    assert (found[:5] == 0).all()
    assert (found - values).abs().max() <= 4 / 255 + 1e-6
    assert len(set(found.tolist())) <= 256


def test_gradients_pass_the_rounding() -> None:
    network = torch.nn.Linear(3, 2)
    simulated(network, torch.randn(4, 3)).square().sum().backward()  # type: ignore[no-untyped-call]
    assert network.weight.grad is not None
    assert network.weight.grad.abs().sum() > 0


def accuracy(run: Run, part: Dataset, *, bits: int) -> float:
    """Of the run's network with weights and activations of so few bits."""
    model = training.load_model(run)
    network = torch.nn.Sequential(model.backbone, model.head)
    simulate_activations(network, bits=bits)
    inputs = Inputs(part, model.preprocessing, augmentation="none")
    right = 0
    with torch.no_grad():
        for images, classes in inputs.batches(in_order(len(inputs), batch_size=32), workers=0):
            right += int((simulated(network, images, bits=bits).argmax(dim=1) == classes).sum())
    return right / len(inputs)


def test_what_is_trained_under_rounding_loses_less_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control is trained without."""
    images = training.open_dataset(write_digits(tmp_path / "digits", each=60))
    control = training.train(images, tmp_path / "control", MOBILENET, threads=1)
    monkeypatch.setattr(loop, "simulated", partial(quantisation.simulated, bits=FEW_BITS))
    monkeypatch.setattr(loop, "simulate_activations", partial(quantisation.simulate_activations, bits=FEW_BITS))
    aware = training.train(
        images, tmp_path / "aware", MOBILENET.model_copy(update={"quantisation_aware": True}), threads=1
    )
    test = control.part("test")
    found = {run.path.name: accuracy(run, test, bits=FEW_BITS) for run in (aware, control)}
    print(
        f"with {FEW_BITS} bits {found['aware']:.1%} right where it was trained with them, else {found['control']:.1%} "
        f"(in float {aware.record.test_accuracy:.1%} and {control.record.test_accuracy:.1%})"
    )
    assert found["aware"] > found["control"] + 0.2
