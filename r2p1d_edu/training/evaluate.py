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
from r2p1d_edu.training.device import choose_precision
from r2p1d_edu.training.precision import trust
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import EvaluationClips, Video, make_loader, normalise
from r2p1d_edu.video.decode import frame_rate

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


def evaluate(
    network: nn.Module,
    videos: Sequence[Video],
    recipe: Recipe,
    *,
    split: str,
    clips_per_video: int | None = None,
    order: str = "forward",
    progress=iter,
) -> Result:
    """Classify evenly spaced centre-crop clips of each video; the network is left in the mode it came in.

    Args:
        split: what the videos are, for the record: "UCF101 fold 1, test".
        clips_per_video: the recipe's unless given.
        order: one of ORDERS, done to the frames of each clip.

    Raises:
        InputError: no videos, no clips, an unknown order, or a network whose answers are not finite.
    """
    check_choice(order, ORDERS, "order of frames")
    if not videos:
        raise InputError(f"{split}: there are no videos to evaluate on")
    clips_per_video = recipe.clips_per_video if clips_per_video is None else clips_per_video
    clips = EvaluationClips(videos, recipe.source(), recipe.sampling, clips_per_video=clips_per_video)
    batches = progress(make_loader(clips, batch_size=recipe.batch * 2, workers=recipe.workers))
    clip, device = (3, recipe.frames, recipe.size, recipe.size), next(network.parameters()).device.type
    precision = trust(network, clip, recipe.batch, recipe.precision, device).precision
    with in_evaluation(network):
        probabilities = torch.cat([predict(network, ORDERS[order](batch), precision) for batch, _ in batches])
    if not probabilities.isfinite().all():
        raise InputError(
            f"{split}: the network's answers are not finite numbers; its weights are broken, train it again"
        )
    labels = np.array([video.label for video in videos])
    per_clip = probabilities.numpy().reshape(len(videos), clips_per_video, -1)  # (videos, clips, classes)
    per_video = per_clip.mean(1)
    return Result(
        clip_accuracy=float((per_clip.argmax(2) == labels[:, None]).mean()),
        video_accuracy=float((per_video.argmax(1) == labels).mean()),
        probabilities=per_video,
        labels=labels,
        split=f"{split}, {len(videos)} videos",
        protocol=protocol(videos, recipe, clips_per_video, order),
    )


@contextmanager
def in_evaluation(network: nn.Module) -> Iterator[None]:
    """The whole network in evaluation mode; afterwards each module in its own mode again, whatever happened."""
    modes = [(module, module.training) for module in network.modules()]
    try:
        network.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training


def frame_rates(videos: Sequence[Video]) -> str:
    """The frames per second of these videos: "25", or "10 to 25" where they differ."""
    rates = sorted({round(frame_rate(video.path), 2) for video in videos})
    return f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"


def protocol(videos: Sequence[Video], recipe: Recipe, clips_per_video: int, order: str) -> str:
    """The words that must go with an accuracy."""
    spaced = "" if recipe.stride == 1 else f", one in {recipe.stride},"
    seen = "differences of " if recipe.differences else ""
    ordered = "" if order == "forward" else f", frames {order}"
    return (
        f"{clips_per_video} clip{'s' * (clips_per_video > 1)} a video, {seen}{recipe.frames} frames{spaced} at "
        f"{frame_rates(videos)} fps{ordered}, {recipe.size}×{recipe.size} centre crop, seed {recipe.seed}"
    )
