"""The training loop, in the open: batch, loss, backward, step, one row of history.

A run can be stopped at any step and resumed: batches and random numbers depend on the step alone (video/clips.py), so
the resumed run goes on exactly as the other would have, on a GPU but for rounding.
"""

import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from r2p1d_edu.errors import InputError
from r2p1d_edu.training.checkpoint import RunFolder, run_folder
from r2p1d_edu.training.data import (
    fingerprint,
    frame_source,
    leave_out_unreadable,
    sampling_of,
    split_of,
    training_loader,
)
from r2p1d_edu.training.device import (
    choose_device,
    choose_threads,
    compiled,
    keep_freed_memory,
    make_fabric,
    process_count,
)
from r2p1d_edu.training.divergence import NotFinite, Snapshot, diverged, first_not_finite
from r2p1d_edu.training.evaluate import Result, accuracy, classify, evaluate_split
from r2p1d_edu.training.memory import memory_advice, within_memory
from r2p1d_edu.training.muon import Muon
from r2p1d_edu.training.network import OwnRandom, build_network
from r2p1d_edu.training.precision import trust
from r2p1d_edu.training.processes import share_batch_norm
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import StepSampler, normalise
from r2p1d_edu.video.frames import FrameCache, FrameDecoder
from r2p1d_edu.video.ucf101 import Split, hold_out_groups

SAVE_SECONDS = 600  # a checkpoint is no older than that, however long an epoch takes


@dataclass
class Run:
    """What training leaves behind. `network` is usable even after an interruption."""

    recipe: Recipe
    network: nn.Module
    split: Split
    source: FrameCache | FrameDecoder
    history: list[dict]
    total_steps: int
    clips_per_step: int  # of all processes together
    problems: list[str]  # a line for each video that could not be read
    precision: str  # "bf16" or "32": what "auto" came to
    folder: RunFolder | None
    interrupted: bool = False

    @property
    def seconds(self) -> float:
        """Training time, validation included."""
        return self.history[-1]["seconds"] if self.history else 0.0

    @property
    def clips_per_second(self) -> float:
        """Training clips a second over the whole run, validation included."""
        if not self.history:
            return 0.0
        return self.clips_per_step * len(self.history) / self.seconds

    def test(self, **options) -> Result:
        """Evaluate on the test videos of the split; see evaluate()."""
        return evaluate_split(self.network, self.split, self.source, self.recipe, **options)


def train(
    recipe: Recipe,
    *,
    split: Split | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    on_start: Callable[[int], None] = lambda total_steps: None,
    on_row: Callable[[dict], None] = lambda row: None,
    progress=iter,
) -> Run:
    """Train a network as the recipe says: one-cycle learning rate, cross entropy.

    Args:
        split: videos to use instead of those that the recipe names, as `leaky_split` gives them.
        folder: where to keep recipe.json, history.csv, last.pt and best.pt; nothing is written without one. In its name
            # stands for the first number that is free.
        resume: go on from the last checkpoint in the folder.
        on_start: called with the number of steps; on_row: called with each row of history.
        progress: wraps the list of videos while each is opened (tqdm, say); training/data.py says what is left out.

    An interruption (Ctrl-C, the stop button) ends training after the step under way; what was learnt is kept.

    Raises:
        InputError: data, network, folder or precision that cannot be used.
        Diverged: a loss or gradient was not finite; `on_row` was given that step's row. The error has the run, with the
            last network whose loss and gradients were finite.
    """
    if resume and not folder:
        raise InputError("to resume, give the folder of the run to go on with")
    split, device = split_of(recipe) if split is None else split, choose_device(recipe.device)
    if device == "cpu":
        keep_freed_memory()
        choose_threads()
    recipe, clip = recipe.changed(processes=process_count()), (3, recipe.frames, recipe.size, recipe.size)
    with torch.device("meta"):
        shapes = build_network(recipe, len(split.classes))
    recipe = within_memory(recipe, shapes, len(split.train), device)
    with (
        run_folder(folder, recipe, resume) if folder else nullcontext() as store,
        memory_advice(shapes, clip, recipe.batch, recipe.precision, device),
    ):
        return train_steps(recipe, split, device, store, resume, on_start, on_row, progress)


def train_steps(recipe: Recipe, split: Split, device: str, store: RunFolder | None, resume: bool, *callbacks) -> Run:
    """train(), once it is known on what, where and into which folder."""
    on_start, on_row, progress = callbacks
    network = build_network(recipe, len(split.classes))
    sampling = sampling_of(recipe)
    clip = (3, sampling.frames, sampling.size, sampling.size)
    trusted = trust(network, clip, recipe.batch, recipe.precision, device, recipe.compile)
    if trusted.wrong:
        warnings.warn(str(trusted), RuntimeWarning, stacklevel=3)
    fabric, random = make_fabric(device, trusted.precision), OwnRandom(device)
    draws = any(isinstance(module, nn.Dropout) for module in network.modules())  # else a step need not be watched
    split, problems = leave_out_unreadable(split, progress)
    source = frame_source(recipe)
    training, validation = hold_out_groups(split.train, recipe.validation, recipe.seed)
    per_epoch = StepSampler.steps_per_epoch(len(training), recipe.batch, fabric.world_size)
    total_steps = recipe.epochs * per_epoch
    if fabric.world_size > 1:
        share_batch_norm(network)
    optimizer = make_optimizer(recipe, network)
    scheduler = OneCycleLR(optimizer, recipe.learning_rate, total_steps=total_steps, pct_start=recipe.warm_up)
    fast_network = compiled(network) if recipe.compile else network
    fast_network, optimizer = fabric.setup(fast_network, optimizer)  # the same weights, precision and processes added
    state = {"network": network, "optimizer": optimizer, "scheduler": scheduler}
    if store:
        store.facts = {"classes": list(split.classes), "training_videos": fingerprint(training)}
    history = store.load(state) if store and resume else []
    first = len(history)
    loader = training_loader(recipe, training, source, fabric, first, total_steps)
    clips_per_step = min(recipe.batch * fabric.world_size, len(training))
    run = Run(recipe, network, split, source, history, total_steps, clips_per_step, problems, trusted.precision, store)
    on_start(total_steps)
    for row in history:
        on_row(row)
    network.train()
    last_finite = Snapshot(network)
    started, step, saved = time.perf_counter() - run.seconds, first, time.perf_counter()
    try:
        for step, (uint8_clips, labels) in enumerate(loader, first + 1):
            with defer_sigint(), random if draws else nullcontext():  # a step is done and recorded whole
                random.seed(recipe.seed * 1_000_003 + step)  # dropout, if any, depends on the step alone
                row = {"step": step, "epoch": step / per_epoch, "validation_accuracy": None}
                row |= training_step(fabric, fast_network, optimizer, scheduler, uint8_clips, labels, last_finite.keep)
                ends_epoch = step % per_epoch == 0
                if ends_epoch and validation:
                    how = {"clips_per_video": 1, "batch": recipe.batch, "precision": recipe.precision}  # no workers:
                    seen = classify(network, validation, source, sampling, **how)  # to start them takes too long
                    row["validation_accuracy"] = accuracy(seen, validation)
                row["seconds"] = time.perf_counter() - started
                row["clips_per_second"] = clips_per_second(history, row, clips_per_step)
                history.append(row)
                if store:
                    store.add(row)
                    if ends_epoch or time.perf_counter() - saved > SAVE_SECONDS:
                        store.save(state, step, row["validation_accuracy"])
                        saved = time.perf_counter()
            on_row(row)
    except NotFinite as error:
        layer = first_not_finite(network)
        last_finite.restore()
        on_row(row | error.row | {"seconds": time.perf_counter() - started, "clips_per_second": 0.0})
        failed = diverged(error.row | {"step": step}, layer, trusted.precision)
        failed.run = run
        raise failed from None
    except KeyboardInterrupt:
        run.interrupted = True
        if store and history and len(history) == step:  # else a step was broken off: last.pt stays as it is
            store.write_history(history)
            store.save(state, step)
    except torch._dynamo.exc.TorchDynamoException as error:
        what = str(error).strip().splitlines()[0]
        raise InputError(f"the network cannot be compiled here ({what}); train without compile") from error
    return run


def make_optimizer(recipe: Recipe, network: nn.Module) -> Optimizer:
    """The optimizer of the recipe."""
    if recipe.optimizer == "muon":
        return Muon(network.parameters(), recipe.learning_rate)
    return AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)


@contextmanager
def defer_sigint() -> Iterator[None]:
    """Let a first Ctrl-C wait for the end of the block; a second one does not wait."""
    if threading.current_thread() is not threading.main_thread():  # no other is interrupted
        yield
        return
    asked = []

    def note(number, frame) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def training_step(
    fabric: Fabric,
    network: nn.Module,
    optimizer,
    scheduler,
    uint8_clips: Tensor,
    labels: Tensor,
    before_update: Callable[[], None] = lambda: None,
) -> dict:
    """Learn from one batch, uint8 (N, 3, T, H, W) and labels (N,); returns the loss, accuracy and learning rate.

    With several processes loss and accuracy are the averages over their batches. `before_update` is called once loss
    and gradients are known to be finite, and the weights are still the old ones.

    Raises:
        NotFinite: the loss or a gradient is not finite; the weights are the old ones.
    """
    clips, labels = fabric.to_device(uint8_clips), fabric.to_device(labels)
    logits = network(normalise(clips))
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    fabric.backward(loss)
    accuracy = (logits.argmax(1) == labels).float().mean()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]  # sooner found than the network's
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    loss, accuracy, norm = fabric.all_reduce(torch.stack([loss.detach(), accuracy, norm])).tolist()
    row = {"loss": loss, "accuracy": accuracy, "learning_rate": scheduler.get_last_lr()[0]}
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise NotFinite(row)
    before_update()
    optimizer.step()
    scheduler.step()
    return row


def clips_per_second(history: list[dict], row: dict, clips_per_step: int, window: int = 10) -> float:
    """Speed over the last few steps."""
    before = history[-window] if len(history) >= window else {"step": 0, "seconds": 0.0}
    seconds = row["seconds"] - before["seconds"]
    return clips_per_step * (row["step"] - before["step"]) / seconds if seconds > 0 else 0.0
