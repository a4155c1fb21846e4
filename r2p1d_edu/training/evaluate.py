"""How well a network did: right clips, right videos, and what it takes for what.

Clip accuracy counts every clip alone. Video accuracy averages the class probabilities of a video's clips first, as in
the paper (10 clips a video).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.training.data import sampling_of
from r2p1d_edu.training.device import choose_precision
from r2p1d_edu.training.memory import memory_advice
from r2p1d_edu.training.network import sees_differences
from r2p1d_edu.training.precision import trust
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import EvaluationClips, Sampling, Video, make_loader, normalise
from r2p1d_edu.video.decode import frame_rate
from r2p1d_edu.video.ucf101 import Split

# What to do to the frames of a test clip (N, 3, T, H, W) before the network sees it.
ORDERS = {
    "forward": lambda clips: clips,
    "reversed": lambda clips: clips.flip(2),
    "shuffled": lambda clips: clips[:, :, torch.randperm(clips.shape[2], generator=torch.Generator().manual_seed(0))],
    "frozen": lambda clips: clips[:, :, :1].expand_as(clips),
}


@dataclass(frozen=True)
class Result:
    """Accuracies with everything needed to repeat them. `probabilities` is (videos, classes), averaged over clips."""

    clip_accuracy: float
    video_accuracy: float
    probabilities: np.ndarray
    labels: np.ndarray
    split: str
    protocol: str

    @property
    def confusion(self) -> np.ndarray:
        """(true class, predicted class) → number of videos."""
        classes = self.probabilities.shape[1]
        table = np.zeros((classes, classes), dtype=int)
        np.add.at(table, (self.labels, self.probabilities.argmax(1)), 1)
        return table

    def __str__(self) -> str:
        return (
            f"video accuracy {self.video_accuracy:.1%}, clip accuracy {self.clip_accuracy:.1%} "
            f"({self.split}; {self.protocol})"
        )


@torch.no_grad()
def predict(network: nn.Module, clips: Tensor, precision: str = "32") -> Tensor:
    """Class probabilities (N, classes) for uint8 clips (N, 3, T, H, W), in float32 on the CPU."""
    device = next(network.parameters()).device
    bf16 = choose_precision(precision, device.type) == "bf16"
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        logits = network(normalise(clips.to(device)))
    return logits.float().softmax(1).cpu()


def classify(
    network: nn.Module,
    videos: Sequence[Video],
    source,
    sampling: Sampling,
    *,
    clips_per_video: int = 10,
    order: str = "forward",
    batch: int = 16,
    precision: str = "auto",
    workers: int = 0,
    progress=iter,
) -> np.ndarray:
    """Class probabilities of evenly spaced centre-crop clips: (videos, clips per video, classes); see evaluate()."""
    check_choice(order, ORDERS, "order of frames")
    clips = EvaluationClips(videos, source, sampling, clips_per_video=clips_per_video)
    batches = progress(make_loader(clips, batch_size=2 * batch, workers=workers))  # twice: no gradients are kept
    clip, device = (3, sampling.frames, sampling.size, sampling.size), next(network.parameters()).device.type
    with in_evaluation(network), memory_advice(network, clip, batch, precision, device):
        chosen = trust(network, clip, batch, precision, device).precision
        found = torch.cat([predict(network, ORDERS[order](clips), chosen) for clips, _ in batches])
    return found.numpy().reshape(len(videos), clips_per_video, -1)


def evaluate(
    network: nn.Module,
    videos: Sequence[Video],
    source,
    sampling: Sampling,
    *,
    split: str,
    clips_per_video: int = 10,
    order: str = "forward",
    batch: int = 16,
    precision: str = "auto",
    workers: int = 0,
    seed: int | None = None,
    progress=iter,
) -> Result:
    """Classify evenly spaced centre-crop clips of each video; the network is left in the mode it came in.

    Args:
        source: where frames come from; `frame_source(recipe)` makes one.
        sampling: what a clip is; `sampling_of(recipe)`, or Sampling(frames, stride, size).
        split: what the videos are, for the record: "UCF101 fold 1, test".
        order: one of ORDERS, done to the frames of each clip.
        batch: clips a step in training; twice as many are classified at a time.
        precision: "auto", "bf16" or "32".
        seed: of the training, for the record.
        progress: wraps the batches (tqdm, say).

    Raises:
        InputError: no videos, no clips, an unknown order, or a network whose answers are not finite.
    """
    if not videos:
        raise InputError(f"{split}: there are no videos to evaluate on")
    how = {"batch": batch, "precision": precision, "workers": workers, "progress": progress}
    per_clip = classify(network, videos, source, sampling, clips_per_video=clips_per_video, order=order, **how)
    if not np.isfinite(per_clip).all():
        raise InputError(
            f"{split}: the network's answers are not finite numbers; its weights are broken, train it again"
        )
    labels = np.array([video.label for video in videos])
    per_video = per_clip.mean(1)
    stride = "" if sampling.stride == 1 else f", one in {sampling.stride},"
    return Result(
        clip_accuracy=accuracy(per_clip, videos),
        video_accuracy=accuracy(per_video[:, None], videos),
        probabilities=per_video,
        labels=labels,
        split=f"{split}, {len(videos)} videos",
        protocol=(
            f"{clips_per_video} clip{'s' * (clips_per_video > 1)} a video, "
            f"{'differences of ' * sees_differences(network)}{sampling.frames} frames{stride} at "
            f"{frame_rates(videos)} fps{'' if order == 'forward' else f', frames {order}'}, "
            f"{sampling.size}×{sampling.size} centre crop{'' if seed is None else f', seed {seed}'}"
        ),
    )


def evaluate_split(network: nn.Module, split: Split, source, recipe: Recipe, **options) -> Result:
    """Evaluate on the test videos of a split as the recipe says; `options` of evaluate() go before what it says."""
    says = {name: getattr(recipe, name) for name in ("clips_per_video", "batch", "precision", "workers", "seed")}
    says["split"] = f"{split.title}, test"
    return evaluate(network, split.test, source, sampling_of(recipe), **says | options)


def accuracy(probabilities: np.ndarray, videos: Sequence[Video]) -> float:
    """The share of clips that are given their video's label, of (videos, clips, classes)."""
    labels = np.array([video.label for video in videos])
    return float((probabilities.argmax(2) == labels[:, None]).mean())


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """The whole network in evaluation mode; afterwards each module in its own mode again, whatever happened.

    Which convolutions run in float32 is such a mode, too: in a compiled training others may be wrong than here.
    """
    modes = [(module, module.training) for module in network.modules()]
    marks = [(module, module.in_float32) for module, _ in modes if isinstance(module, Conv)]
    try:
        network.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training
        for conv, in_float32 in marks:
            conv.in_float32 = in_float32


def frame_rates(videos: Sequence[Video]) -> str:
    """The frames per second of these videos: "25", or "10 to 25" where they differ."""
    rates = sorted({round(frame_rate(video.path), 2) for video in videos})
    return f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
