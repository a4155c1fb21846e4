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
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader

from r2p1d_edu.errors import Diverged, InputError
from r2p1d_edu.training.checkpoint import RunFolder, check_folder
from r2p1d_edu.training.device import choose_device, compiled, make_fabric
from r2p1d_edu.training.evaluate import Result, evaluate
from r2p1d_edu.training.precision import trust
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import StepSampler, TrainingClips, Video, make_loader, normalise, readable
from r2p1d_edu.video.ucf101 import Split, hold_out_groups


@dataclass
class Run:
    """What training leaves behind. `network` is usable even after an interruption."""

    recipe: Recipe
    network: nn.Module
    split: Split
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
        title = f"{self.split.title}, test"
        return evaluate(self.network, self.split.test, self.recipe, split=title, **options)


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
    """Train a network as the recipe says: AdamW, one-cycle learning rate, cross entropy.

    Args:
        split: videos to use instead of those that the recipe names, as `leaky_split` gives them.
        folder: where to keep recipe.json, history.csv, last.pt and best.pt; nothing is written without one.
        resume: go on from last.pt in the folder.
        on_start: called with the number of steps; on_row: called with each row of history.
        progress: wraps the list of videos while each is first read (tqdm, say).

    An interruption (Ctrl-C, the stop button) ends training after the step under way; what was learnt is kept.

    Raises:
        InputError: data, network, folder or precision that cannot be used.
        Diverged: a loss or gradient was not finite; `on_row` was given that step's row. The error has the run, with the
            last network whose loss and gradients were finite.
    """
    check_folder(folder, recipe, resume)
    split = recipe.load_split() if split is None else split
    network = recipe.build(len(split.classes))
    clip, device = (3, recipe.frames, recipe.size, recipe.size), choose_device(recipe.device)
    trusted = trust(network, clip, recipe.batch, recipe.precision, device, recipe.compile)
    if trusted.wrong:
        warnings.warn(str(trusted), RuntimeWarning, stacklevel=2)
    fabric = make_fabric(device, trusted.precision)
    split, problems = read_all(split, recipe, progress)
    training, validation = hold_out_groups(split.train, recipe.validation, recipe.seed)
    per_epoch = StepSampler.steps_per_epoch(len(training), recipe.batch, fabric.world_size)
    total_steps = recipe.epochs * per_epoch
    optimizer = AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    scheduler = OneCycleLR(optimizer, recipe.learning_rate, total_steps=total_steps)
    fast_network = compiled(network) if recipe.compile else network
    fast_network, optimizer = fabric.setup(fast_network, optimizer)  # the same weights, precision and processes added
    state = {"network": network, "optimizer": optimizer, "scheduler": scheduler}
    facts = {
        "classes": list(split.classes),
        "training_videos": fingerprint(training),
        "processes": fabric.world_size,
    }
    store = RunFolder(folder, recipe, facts, writes=fabric.is_global_zero) if folder else None
    history = store.begin(state, resume) if store else []
    first = len(history)
    loader = training_loader(recipe, training, fabric, first, total_steps)
    without_workers = recipe.changed(workers=0)  # to start some for each validation takes longer than they save
    clips_per_step = min(recipe.batch * fabric.world_size, len(training))
    run = Run(recipe, network, split, history, total_steps, clips_per_step, problems, trusted.precision, store)
    on_start(total_steps)
    for row in history:
        on_row(row)
    network.train()
    last_finite = Copy(network)
    started, step = time.perf_counter() - run.seconds, first
    try:
        for step, (uint8_clips, labels) in enumerate(loader, first + 1):
            with uninterrupted():  # a step is done and recorded whole
                torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout, if any, depends on the step alone
                row = {"step": step, "epoch": step / per_epoch, "validation_accuracy": None}
                row |= training_step(fabric, fast_network, optimizer, scheduler, uint8_clips, labels, last_finite.keep)
                ends_epoch = step % per_epoch == 0
                if ends_epoch and validation:
                    title = f"{split.title}, held-out training groups"
                    result = evaluate(network, validation, without_workers, split=title, clips_per_video=1)
                    row["validation_accuracy"] = result.clip_accuracy
                row["seconds"] = time.perf_counter() - started
                row["clips_per_second"] = clips_per_second(history, row, clips_per_step)
                history.append(row)
                if store:
                    store.add(row)
                    if ends_epoch:
                        store.save(state, step, row["validation_accuracy"])
            on_row(row)
    except NotFinite as error:
        layer = first_not_finite(network)
        last_finite.restore()
        on_row(row | error.row | {"seconds": time.perf_counter() - started, "clips_per_second": 0.0})
        raise diverged(error.row, step, layer, run) from None
    except KeyboardInterrupt:
        run.interrupted = True
        if store and history and len(history) == step:  # else a step was broken off: last.pt stays as it is
            store.write_history(history)
            store.save(state, step)
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"the memory of {fabric.device} is too small for this; use a smaller batch (now {recipe.batch}), size "
            f"({recipe.size}) or number of frames ({recipe.frames})"
        ) from error
    except torch._dynamo.exc.TorchDynamoException as error:
        what = str(error).strip().splitlines()[0]
        raise InputError(f"the network cannot be compiled here ({what}); train without compile") from error
    return run


def training_loader(recipe: Recipe, videos: list[Video], fabric: Fabric, first: int, last: int) -> DataLoader:
    """The batches of steps first + 1 to last, this process's share of each."""
    clips = TrainingClips(videos, recipe.source(), recipe.sampling, flip=recipe.flip, seed=recipe.seed)
    steps = StepSampler(
        len(videos),
        recipe.batch,
        first=first,
        last=last,
        seed=recipe.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    return make_loader(clips, batch_sampler=steps, workers=recipe.workers, pin_memory=fabric.device.type == "cuda")


def fingerprint(videos: list[Video]) -> str:
    """How many videos, and eight digits that change when others take their place."""
    names = "\n".join(video.path.name for video in videos)
    return f"{len(videos)} (checksum {crc32(names.encode()):08x})"


@contextmanager
def uninterrupted() -> Iterator[None]:
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


class NotFinite(ArithmeticError):
    """A step whose loss or gradient is not finite, with the row that it would have been; nothing was learnt from it."""

    def __init__(self, row: dict):
        super().__init__(row)
        self.row = row


class Copy:
    """A network's numbers, kept to go back to."""

    def __init__(self, network: nn.Module):
        self.now = list(network.state_dict().values())
        self.kept = [tensor.clone() for tensor in self.now]

    def keep(self) -> None:
        """Keep the numbers as they are now."""
        for kept, now in zip(self.kept, self.now, strict=True):
            kept.copy_(now)

    def restore(self) -> None:
        """Give the network back what was kept."""
        for kept, now in zip(self.kept, self.now, strict=True):
            now.copy_(kept)


def first_not_finite(network: nn.Module) -> str:
    """The layer whose gradient was the first not to be finite, in the order of the backward pass; or "none"."""
    for name, parameter in reversed(list(network.named_parameters())):
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            return name.rpartition(".")[0]
    return "none"


def diverged(row: dict, step: int, layer: str, run: Run) -> Diverged:
    """The error that ends a run, in words."""
    error = Diverged(
        f"step {step}: the loss is {row['loss']:g} and the first gradient that is not finite is that of {layer} "
        f"(learning rate {row['learning_rate']:.3g}, precision {run.precision}); training stopped, and the network is "
        f"the last one that was finite. Try a smaller learning rate"
    )
    error.run = run
    return error


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
    norm = nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
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


def read_all(split: Split, recipe: Recipe, progress=iter, sides=("train", "test")) -> tuple[Split, list[str]]:
    """Leave out the files of these sides that cannot be read; a line for each says why.

    Raises:
        InputError: nothing is left of a class.
    """
    videos = [video for side in sides for video in getattr(split, side)]
    good, problems = readable(videos, recipe.source(), progress)
    kept, left = set(good), {}
    for side in sides:
        left[side] = tuple(video for video in getattr(split, side) if video in kept)
        labels = {video.label for video in left[side]}
        for video in getattr(split, side):
            if video.label not in labels:
                problem = next(line for line in problems if line.startswith(str(video.path)))
                raise InputError(f"no {side} video of {split.classes[video.label]} can be read; the first: {problem}")
    return replace(split, **left), problems
