"""Everything that decides how a run turns out, in one record that is stored beside it."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import torch
from torch import nn

from r2p1d_edu.errors import InputError, choose
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.video.clips import resize_for
from r2p1d_edu.video.frames import FrameCache, FrameDecoder
from r2p1d_edu.video.ucf101 import Split, load_split

DEVICES = ("auto", "cuda", "mps", "cpu")
PRECISIONS = ("auto", "32", "bf16")


@dataclass(frozen=True)
class Recipe:
    """Data, network and training settings of one run.

    Clips are `frames` frames, `stride` apart, cropped to `size`×`size` from videos whose shorter side was scaled to
    8/7 of that. `options` go to create_network. `validation` is the fraction of training groups set aside.
    """

    videos: str
    splits: str | None = None
    fold: int = 1
    classes: tuple[str, ...] | None = None
    network: str = "r2plus1d"
    options: dict = field(default_factory=lambda: {"depth": 10, "width": 16})
    frames: int = 8
    stride: int = 1
    size: int = 56
    flip: bool = True
    epochs: int = 8
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    validation: float = 0.1
    clips_per_video: int = 10
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    workers: int = 0
    cache: bool = True

    def __post_init__(self):
        for name in ("frames", "stride", "size", "epochs", "batch", "clips_per_video"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a whole number of 1 or more")
        if self.learning_rate <= 0:
            raise InputError(f"learning_rate is {self.learning_rate!r}; it must be above 0")
        choose(self.fold, (1, 2, 3), "fold")
        choose(self.device, DEVICES, "device")
        choose(self.precision, PRECISIONS, "precision")

    def load_split(self) -> Split:
        """The official split that the recipe names."""
        return load_split(self.videos, self.splits, self.fold, self.classes)

    def source(self) -> FrameCache | FrameDecoder:
        """Where frames come from, at the size that this recipe crops from."""
        return (FrameCache if self.cache else FrameDecoder)(resize_for(self.size))

    def build(self, num_classes: int) -> nn.Module:
        """A fresh network with random weights, decided by the seed."""
        torch.manual_seed(self.seed)
        return create_network(self.network, num_classes=num_classes, frames=self.frames, **self.options)

    def changed(self, **values) -> "Recipe":
        """The same recipe with other values."""
        return replace(self, **values)

    def save(self, path: Path) -> None:
        """Write the recipe as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read what `save` wrote."""
        try:
            values = json.loads(path.read_text())
            known = {f.name for f in fields(cls)}
            if not isinstance(values, dict) or set(values) - known or "videos" not in values:
                raise ValueError("not the fields of a recipe")
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a recipe that `train` wrote ({error})") from error
        if values.get("classes") is not None:
            values["classes"] = tuple(values["classes"])
        return cls(**values)
