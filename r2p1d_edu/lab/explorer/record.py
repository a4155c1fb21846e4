"""What trained networks learnt, as one JSON file for the explorer: python -m r2p1d_edu.lab.explorer.record.

Stem kernels, channels over time, scores for a clip in every order of its frames, and which frames the answer hangs on.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.explorer.bundle import RECORDING
from r2p1d_edu.training.evaluate import ORDERS, in_evaluation
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.recipe import TINY, Recipe
from r2p1d_edu.video.arrow import CLASSES, draw_clip, write_arrow
from r2p1d_edu.video.clips import normalise

VERSION = 1  # of the file; views/learnt.js reads this one
NETWORKS = ("f_r2d", "r3d", "rmc3", "r2plus1d")
FRAMES, SIZE, EPOCHS, LEARNING_RATE = 8, 32, 9, 5e-3
MOST = 16  # kernels and channels of each network
UNSEEN_GROUP = 3  # fold 1 of `arrow` tests on groups 1 to 7


def record(
    networks: Mapping[str, nn.Module], clips: Mapping[str, np.ndarray], classes: Sequence[str], made: str
) -> dict:
    """The recording of networks that take these clips, uint8 (T, H, W, 3) all of one square size, by their titles.

    `made` says how the networks were trained. In a notebook: Explorer(learnt=record({"own": run.network}, …)).
    """
    shapes = {clip.shape for clip in clips.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise InputError(f"clips are uint8 (T, H, W, 3), all of one square size; got {shapes or shape}")
    batch = torch.from_numpy(np.stack(list(clips.values()))).permute(0, 4, 1, 2, 3)  # (N, 3, T, H, W)
    places = torch.arange(shape[0])[None, None, :, None, None]
    return {
        "version": VERSION,
        "classes": list(classes),
        "frames": shape[0],
        "side": shape[1],
        "orders": {name: order(places).flatten().tolist() for name, order in ORDERS.items()},
        "clips": [{"name": name, "pixels": text(clip.mean(3).round())} for name, clip in clips.items()],
        "networks": {name: {"made": made} | one(network, batch) for name, network in networks.items()},
    }


def one(network: nn.Module, batch: Tensor) -> dict:
    """A network's stem, its scores and the channels of its first block for clips in every order, and frame shares."""
    stem = next(module for module in network.modules() if isinstance(module, nn.Conv3d)).weight.detach()[:MOST].cpu()
    low, high = stem.amin((1, 2, 3, 4), keepdim=True), stem.amax((1, 2, 3, 4), keepdim=True)
    kernels = (255 * (stem - low) / (high - low).clamp(min=1e-9)).round()
    seen: list[Tensor] = []
    first = network.layer1[0].conv1
    middle = first[0][2] if len(first[0]._modules) == 4 else first  # of a (2+1)D pair, the channels between the halves
    hook = middle.register_forward_hook(lambda module, inputs, output: seen.append(output.mean((3, 4))))
    scores, channels = {}, {}
    try:
        with in_evaluation(network):
            device = next(network.parameters()).device
            for name, order in ORDERS.items():
                seen.clear()
                with torch.no_grad():
                    scores[name] = rounded(network(normalise(order(batch).to(device))))
                channels[name] = rounded(seen[0][:, :MOST])
            pixels = normalise(batch.to(device)).requires_grad_()
            (slope,) = torch.autograd.grad(network(pixels).amax(1).sum(), pixels)
    finally:
        hook.remove()
    uses = slope.abs().sum((0, 1, 3, 4))
    stem_as_json = {"shape": list(stem.shape), "bytes": text(kernels.numpy())}
    return {"stem": stem_as_json, "scores": scores, "middle": channels, "uses": rounded(uses / uses.sum(), 4)}


def rounded(values: Tensor, digits: int = 3) -> list:
    """As nested lists of few digits."""
    return np.round(values.detach().cpu().double().numpy(), digits).tolist()


def text(values: np.ndarray) -> str:
    """Numbers from 0 to 255 as base64."""
    return b64encode(np.ascontiguousarray(values, dtype=np.uint8)).decode()


def sample_clips() -> dict[str, np.ndarray]:
    """A clip of each class that no network here was trained on, as evaluation sees it: the middle frames and pixels."""
    edge = (64 - SIZE) // 2
    middle = (slice(2, 2 + FRAMES), slice(edge, edge + SIZE), slice(edge, edge + SIZE))
    return {name: draw_clip(name, UNSEEN_GROUP, 1)[middle] for name in CLASSES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the four networks and record what they learnt; the explorer shows it from then on."""
    parser = argparse.ArgumentParser(prog="python -m r2p1d_edu.lab.explorer.record", description=main.__doc__)
    parser.add_argument("--to", type=Path, default=RECORDING, help="the JSON file to write")
    parser.add_argument("--data", type=Path, default=Path("data/arrow"), help="the dataset, or where to make it")
    options = parser.parse_args(arguments)
    try:
        videos, trained = str(write_arrow(options.data) / "videos"), {}
        for name in NETWORKS:
            print(f"training {name}", file=sys.stderr)
            sizes = {"options": TINY, "frames": FRAMES, "size": SIZE}
            recipe = Recipe(videos, network=name, epochs=EPOCHS, learning_rate=LEARNING_RATE, **sizes)
            trained[name] = train(recipe).network
        made = f"Depth 10, width 16, {EPOCHS} epochs on arrow, fold 1, {FRAMES} frames of {SIZE}×{SIZE}, seed 0"
        recording = record(trained, sample_clips(), CLASSES, made)
        options.to.write_text(json.dumps(recording, separators=(",", ":")), "utf-8")
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
