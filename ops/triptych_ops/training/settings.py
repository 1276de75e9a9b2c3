"""What decides the outcome of a training, together with the images."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from triptych_ops.preprocessing import Interpolation, Resize

Strategy = Literal["head", "full", "gradual"]
Balance = Literal["none", "weights", "oversample"]
Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "step", "cosine"]
Augmentation = Literal["none", "light", "photo", "article"]


class Settings(BaseModel):
    """Alike settings, images and machine give alike bits."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    architecture: str = "efficientnet_lite0"  # light, and its weights come in a package
    pretrained: bool = True  # False: from random weights
    image_size: int | None = Field(default=None, ge=8, le=2048)  # pixels of the crop; None: as the weights have it
    resize: Resize | None = None  # None, as the next two: as the weights have it
    crop_pct: float | None = Field(default=None, gt=0, le=1)  # instead of `resize`
    interpolation: Interpolation | None = None
    strategy: Strategy = "full"
    epochs: int = Field(default=20, ge=1)
    patience: int | None = Field(default=None, ge=1)  # epochs without a better validation loss; None: no early stop
    batch_size: int = Field(default=32, ge=1)
    mixed_precision: bool = False  # bfloat16 on a GPU; without effect on a CPU
    optimizer: Optimizer = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    backbone_rate: float = Field(default=1.0, gt=0, le=1)  # learning rate below the head, as a share of the head's
    weight_decay: float = Field(default=0.0, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # of sgd
    schedule: Schedule = "cosine"
    warmup_epochs: int = Field(default=0, ge=0)
    step_epochs: int = Field(default=7, ge=1)  # of step: epochs between two decays
    step_gamma: float = Field(default=0.1, gt=0, le=1)
    loss: str = "cross-entropy"  # "focal", or MODULE:NAME of the user's own
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    focal_gamma: float = Field(default=2.0, ge=0)  # https://arxiv.org/abs/1708.02002
    teacher: str | None = None  # SHA-256 of the weights of the run that is imitated, as well as the true classes
    teacher_weight: float = Field(default=0.9, ge=0, le=1)  # of the teacher's answers against the true classes
    temperature: float = Field(default=4.0, gt=0)  # by which both logits are divided before they are compared
    quantisation_aware: bool = False  # int8 is simulated while all layers are trained
    balance: Balance = "none"
    augmentation: Augmentation = "none"
    seed: int = Field(default=0, ge=0, lt=2**32)
