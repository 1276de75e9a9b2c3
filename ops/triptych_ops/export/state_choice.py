"""Which state dict of a checkpoint is the network's, and under which wrappers its names stand.

Trainers wrap a network in others (DataParallel, `torch.compile`, Lightning, averaged models), each of which puts its
own name before every tensor's, and save several networks in one file. Names and shapes of the network decide: any chain
of wrappers is stripped that makes all tensors fit.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from triptych_ops.errors import MissingError, RefusedError, UsageError

from .checkpoint import Checkpoint

# Modules that wrap another at any depth and are never part of a network: of torch.compile, FSDP, checkpointing.
_TRANSPARENT = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
_AVERAGES_COUNTER = "n_averaged"  # of torch.optim.swa_utils.AveragedModel, beside the wrapped network
_AVERAGED_WORDS = frozenset({"ema", "swa", "averaged"})  # in names of averaged weights, as in `state_dict_ema`
_NORMALISATION_COUNTER = "num_batches_tracked"  # older files lack it, and nothing served reads it
_LISTED = 4  # entries in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The tensors of a network, to which those of a file are compared."""

    shapes: Mapping[str, torch.Size]
    head: str  # name of the last linear layer, whose number of classes may be another
    dropped: tuple[str, ...] = ()  # beginnings of names that the network may have and serving drops
    rename: Callable[[str], str] = str  # from older names to the network's


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenState:
    """The state dict to load."""

    state: Mapping[str, torch.Tensor]  # by the network's own names; all floating ones finite float32
    key: str | None  # its place in the file and the wrappers, as --weights-key takes them; None: the whole file
    notes: tuple[str, ...]  # a line each: what was chosen among several, what was passed over


@dataclass(frozen=True, slots=True)
class _Candidate:
    entry: str
    wrappers: str  # "" or "module.", "model.net." …
    state: Mapping[str, torch.Tensor]
    outside: tuple[str, ...]  # names in the entry that are not below the wrappers
    findings: tuple[str, ...]  # why it does not fit; empty: it fits
    matched: int  # tensors that the network has, too

    @property
    def key(self) -> str:
        return ".".join(filter(None, (self.entry, self.wrappers.removesuffix("."))))

    @property
    def is_averaged(self) -> bool:
        return not _AVERAGED_WORDS.isdisjoint(self.key.lower().replace(".", "_").split("_"))


def choose_state(checkpoint: Checkpoint, expected: Expected, *, key: str | None, title: str) -> ChosenState:
    """Return the state dict of a checkpoint that fits a network.

    Where several fit, `key` names one by its place in the file (`state_dict_ema`, `model.student`). Without it the
    averaged weights are taken where exactly one of them is such: timm and torchvision measure those, and choose the
    best epoch by them. `title` is the network's in messages.

    Raises:
        MissingError: nothing in the file has the name `key`.
        UsageError: several fit, and nothing says which is meant.
        RefusedError: none fits, or a value is not finite.
    """
    path = checkpoint.path
    candidates = [candidate for entry in checkpoint.entries for candidate in _candidates(checkpoint, entry, expected)]
    if key is not None:
        candidates = [candidate for candidate in candidates if key in (candidate.entry, candidate.key)]
        if not candidates:
            raise MissingError(f"{path} has no weights under the key {key!r}; {_holdings(checkpoint)}")
    fitting = [candidate for candidate in candidates if not candidate.findings]
    if not fitting:
        raise _misfit(checkpoint, candidates, title)
    chosen = fitting[0]
    notes = []
    if len(fitting) > 1:
        averaged = [candidate for candidate in fitting if candidate.is_averaged]
        names = " and ".join(candidate.key or "the file itself" for candidate in fitting)
        if len(averaged) != 1:
            raise UsageError(f"{path} holds {names}, which all fit {title}; name one with --weights-key")
        (chosen,) = averaged
        other = next(candidate.key for candidate in fitting if candidate is not chosen)
        notes.append(
            f"{path} holds {names}; {chosen.key} is taken, the averaged weights, by which timm and torchvision measure "
            f"a training; --weights-key {other} takes the others"
        )
    if outside := [name for name in chosen.outside if name != _AVERAGES_COUNTER]:
        notes.append(f"{path}: tensors beside {chosen.key} are passed over, {len(outside)}, the first is {outside[0]}")
    state = {name: _as_float32(path, name, tensor) for name, tensor in chosen.state.items()}
    return ChosenState(state=state, key=chosen.key or None, notes=tuple(notes))


def findings(state: Mapping[str, torch.Tensor], expected: Expected) -> tuple[str, ...]:
    """Return why a state dict does not fit, in words; empty where it fits."""
    shapes = expected.shapes
    missing = [name for name in shapes if name not in state and not name.endswith(_NORMALISATION_COUNTER)]
    unknown = [name for name in state if name not in shapes]
    reshaped = [name for name in shapes if name in state and not _same_shape(name, state[name].shape, expected)]
    found = []
    if missing:
        found.append(f"{len(missing)} of {len(shapes)} tensors are missing, first {missing[0]}")
    if unknown:
        found.append(f"{len(unknown)} are unknown, first {unknown[0]}")
    if reshaped:
        name = reshaped[0]
        difference = f"{list(state[name].shape)} instead of {list(shapes[name])}"
        found.append(f"{len(reshaped)} have another shape, first {name}: {difference}")
    return tuple(found)


def _same_shape(name: str, shape: torch.Size, expected: Expected) -> bool:
    wanted = expected.shapes[name]
    if name in (f"{expected.head}.weight", f"{expected.head}.bias"):  # (classes, features), (classes,)
        return len(shape) == len(wanted) and shape[1:] == wanted[1:]
    return shape == wanted


def _candidates(checkpoint: Checkpoint, entry: str, expected: Expected) -> Iterator[_Candidate]:
    tensors = _without_transparent(checkpoint.entries[entry])
    for wrappers in _chains(tensors, expected):
        below = {
            expected.rename(name.removeprefix(wrappers)): tensor
            for name, tensor in tensors.items()
            if name.startswith(wrappers)
        }
        state = {name: tensor for name, tensor in below.items() if not name.startswith(expected.dropped or ("\0",))}
        yield _Candidate(
            entry=entry,
            wrappers=wrappers,
            state=state,
            outside=tuple(name for name in tensors if not name.startswith(wrappers)),
            findings=findings(state, expected),
            matched=sum(name in expected.shapes for name in state),
        )


def _without_transparent(tensors: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    cleaned = {
        ".".join(part for part in name.split(".") if part not in _TRANSPARENT): tensor
        for name, tensor in tensors.items()
    }
    return cleaned if len(cleaned) == len(tensors) else tensors


def _chains(tensors: Mapping[str, torch.Tensor], expected: Expected) -> list[str]:
    """The chains of wrappers under which at least one tensor has a name of the network, the most frequent first."""
    chains: Counter[str] = Counter()
    for name in tensors:
        parts = name.split(".")
        for depth in range(len(parts)):
            if expected.rename(".".join(parts[depth:])) in expected.shapes:
                chains[".".join((*parts[:depth], ""))] += 1
    return [chain for chain, _ in chains.most_common()] or [""]


def _misfit(checkpoint: Checkpoint, candidates: Sequence[_Candidate], title: str) -> RefusedError:
    nearest = max(candidates, key=lambda candidate: candidate.matched)
    under = f" under {nearest.key}" if nearest.key else ""
    reasons = "; ".join(nearest.findings)
    return RefusedError(f"{checkpoint.path} does not fit {title}{under}: {reasons}; {_holdings(checkpoint)}")


def _holdings(checkpoint: Checkpoint) -> str:
    """What a file holds, and with which option one of several is named."""
    entries = checkpoint.entries
    described = [
        f"{entry or 'the file itself'} ({len(tensors)} tensors, first {next(iter(tensors))})"
        for entry, tensors in sorted(entries.items(), key=lambda item: len(item[1]), reverse=True)
    ]
    more = f" and {len(described) - _LISTED} more" if len(described) > _LISTED else ""
    cure = "; --weights-key names one of them" if len(entries) > 1 else ""
    return f"it holds {', '.join(described[:_LISTED])}{more}{cure}"


def _as_float32(path: Path, name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    if not torch.isfinite(tensor := tensor.float()).all():
        raise RefusedError(f"{path} holds values that are not finite, first in {name}; train or export it anew")
    return tensor
