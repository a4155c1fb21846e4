"""The training loop, in the open: batch, loss, backward, step, one row of history.

A run can be stopped at any step and resumed: batches and random numbers depend on the step alone (video/clips.py), so
the resumed run goes on exactly as the other would have.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from r2p1d_edu.errors import InputError
from r2p1d_edu.training.checkpoint import RunFolder
from r2p1d_edu.training.device import make_fabric
from r2p1d_edu.training.evaluate import Result, evaluate
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import StepSampler, TrainingClips, make_loader, normalise, readable
from r2p1d_edu.video.ucf101 import Split, hold_out_groups


@dataclass
class Run:
    """What training leaves behind. `network` is usable even after an interruption."""

    recipe: Recipe
    network: nn.Module
    split: Split
    history: list[dict]
    total_steps: int
    problems: list[str]
    interrupted: bool = False
    writes: bool = True  # whether this process is the one that writes files

    @property
    def seconds(self) -> float:
        """Training time, validation included."""
        return self.history[-1]["seconds"] if self.history else 0.0

    @property
    def clips_per_second(self) -> float:
        """Training clips a second over the whole run, validation included."""
        if not self.history:
            return 0.0
        return self.recipe.batch * len(self.history) / self.seconds

    def test(self, **options) -> Result:
        """Evaluate on the test videos of the split; see evaluate()."""
        title = f"{self.split.title}, test"
        return evaluate(self.network, self.split.test, self.recipe, split=title, **options)


def train(
    recipe: Recipe,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    on_start: Callable[[int], None] = lambda total_steps: None,
    on_row: Callable[[dict], None] = lambda row: None,
    progress=iter,
) -> Run:
    """Train a network as the recipe says: AdamW, one-cycle learning rate, cross entropy.

    Args:
        folder: where to keep recipe.json, history.csv, last.pt and best.pt; nothing is written without one.
        resume: go on from last.pt in the folder.
        on_start: called with the number of steps; on_row: called with each row of history.
        progress: wraps the list of videos while each is first read (tqdm, say).

    An interruption (Ctrl-C, the stop button) ends training after the step under way; what was learnt is kept.

    Raises:
        InputError: data, network or folder that cannot be used.
    """
    fabric = make_fabric(recipe.device, recipe.precision)
    split, problems = read_all(recipe.load_split(), recipe, progress)
    training, validation = hold_out_groups(split.train, recipe.validation, recipe.seed)
    per_epoch = StepSampler.steps_per_epoch(len(training), recipe.batch, fabric.world_size)
    total_steps = recipe.epochs * per_epoch
    network = recipe.build(len(split.classes)).to(memory_format=torch.channels_last_3d)
    optimizer = AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    scheduler = OneCycleLR(optimizer, recipe.learning_rate, total_steps=total_steps)
    fast_network, optimizer = fabric.setup(network, optimizer)  # the same weights, with precision and processes added
    state = {"network": network, "optimizer": optimizer, "scheduler": scheduler}
    store = RunFolder(folder, recipe, split.classes, writes=fabric.is_global_zero) if folder else None
    history = store.begin(state, resume) if store else []
    first = len(history)
    clips = TrainingClips(
        training,
        recipe.source(),
        frames=recipe.frames,
        stride=recipe.stride,
        size=recipe.size,
        flip=recipe.flip,
        seed=recipe.seed,
    )
    batches = StepSampler(
        len(training),
        recipe.batch,
        first=first,
        last=total_steps,
        seed=recipe.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    loader = make_loader(clips, batch_sampler=batches, workers=recipe.workers, pin_memory=fabric.device.type == "cuda")
    run = Run(recipe, network, split, history, total_steps, problems, writes=fabric.is_global_zero)
    on_start(total_steps)
    for row in history:
        on_row(row)
    network.train()
    started = time.perf_counter() - run.seconds
    try:
        for step, (uint8_clips, labels) in enumerate(loader, first + 1):
            torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout, if any, depends on the step alone
            row = {"step": step, "epoch": step / per_epoch, "validation_accuracy": None}
            row |= training_step(fabric, fast_network, optimizer, scheduler, uint8_clips, labels)
            ends_epoch = step % per_epoch == 0
            if ends_epoch and validation:
                title = f"{split.title}, held-out training groups"
                result = evaluate(network, validation, recipe, split=title, clips_per_video=1)
                row["validation_accuracy"] = result.clip_accuracy
            row["seconds"] = time.perf_counter() - started
            row["clips_per_second"] = clips_per_second(history, row, recipe.batch * fabric.world_size)
            history.append(row)
            if store:
                store.add(row)
                if ends_epoch:
                    store.save(state, step, row["validation_accuracy"])
            on_row(row)
    except KeyboardInterrupt:
        run.interrupted = True
        if store:
            store.save(state, len(history))
    return run


def training_step(
    fabric: Fabric, network: nn.Module, optimizer, scheduler, uint8_clips: Tensor, labels: Tensor
) -> dict:
    """Learn from one batch, uint8 (N, 3, T, H, W) and labels (N,); returns the loss, accuracy and learning rate."""
    clips, labels = fabric.to_device(uint8_clips), fabric.to_device(labels)
    logits = network(normalise(clips))
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    fabric.backward(loss)
    optimizer.step()
    learning_rate = scheduler.get_last_lr()[0]
    scheduler.step()
    accuracy = (logits.argmax(1) == labels).float().mean()
    return {"loss": loss.item(), "accuracy": accuracy.item(), "learning_rate": learning_rate}


def clips_per_second(history: list[dict], row: dict, batch: int, window: int = 10) -> float:
    """Speed over the last few steps."""
    before = history[-window] if len(history) >= window else None
    steps = row["step"] - (before["step"] if before else 0)
    seconds = row["seconds"] - (before["seconds"] if before else 0.0)
    return batch * steps / seconds if seconds > 0 else 0.0


def read_all(split: Split, recipe: Recipe, progress) -> tuple[Split, list[str]]:
    """Leave out the files that cannot be read; a line for each says why."""
    source = recipe.source()
    good, problems = readable([*split.train, *split.test], source, progress)
    kept = set(good)
    sides = [tuple(video for video in side if video in kept) for side in (split.train, split.test)]
    for side, videos in zip(("training", "test"), sides, strict=True):
        if not videos:
            raise InputError(f"none of the {side} videos can be read; the first problem: {problems[0]}")
    return Split(*sides, split.classes, split.title, split.absent), problems
