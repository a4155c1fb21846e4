"""Whether a run fits into memory: asked before it starts, and said in numbers where it did not."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch
from torch import nn

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.memory import training_memory
from r2p1d_edu.cost.report import Shape
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.device import choose_precision
from r2p1d_edu.training.recipe import Recipe

BATCH = 16  # the most that "auto" takes: the learning rates are for it
SHARE = 0.8  # of the free memory is planned with: libraries need some that is not counted
FULL = re.compile("out of memory|allocate memory|not enough memory|is killed by signal", re.IGNORECASE)


def within_memory(recipe: Recipe, network: nn.Module, videos: int, device: str) -> Recipe:
    """The recipe of this network, with a batch that fits where it says "auto".

    Counted from shapes, before a step is tried: a system that has no memory left may end a process without a word.

    Raises:
        InputError: the device has not the memory that is asked for, or not for a single clip.
    """
    clip = (3, recipe.frames, recipe.size, recipe.size)
    if recipe.batch == "auto":
        if recipe.processes > 1:
            raise InputError("batch is 'auto', which is for one process alone; give the number of clips for each")
        if batch := largest_batch(network, clip, BATCH, recipe.precision, device):
            return recipe.changed(batch=batch)
        raise InputError(advice(network, clip, 2, recipe.precision, device))
    batch, (_, total) = min(recipe.batch, videos), memory_of(device)
    cost = account(network, clip)
    roughly = 4 * (4 * cost.params + batch * cost.activations)
    if roughly < total / 4:  # the exact count takes a second, so only where it matters
        return recipe
    if training_memory(network, clip, batch, precision=choose_precision(recipe.precision, device)).total > total:
        raise InputError(advice(network, clip, batch, recipe.precision, device))
    return recipe


@contextmanager
def memory_advice(network: nn.Module, clip: Shape, batch: int, precision: str, device: str) -> Iterator[None]:
    """Turn running out of memory, the device's or this machine's, into an InputError that says what would fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError | torch.OutOfMemoryError) or FULL.search(str(error))):
            raise
        raise InputError(f"out of memory: {advice(network, clip, batch, precision, device)}") from error


def advice(network: nn.Module, clip: Shape, batch: int, precision: str, device: str) -> str:
    """What training takes, what there is, and what to do."""
    need = training_memory(network, clip, batch, precision=choose_precision(precision, device))
    free, total = memory_of(device)
    fitting = largest_batch(network, clip, batch - 1, precision, device)
    smaller = f"a batch of {fitting}, or " if fitting else ""
    return (
        f"to train with a batch of {batch} takes {size(need.total)}, {size(need.activations)} of them activations, and "
        f"{device} has {size(free)} free of {size(total)}; use {smaller}a smaller size (now {clip[-1]}), number of "
        f"frames ({clip[1]}) or network"
    )


def largest_batch(network: nn.Module, clip: Shape, most: int, precision: str, device: str) -> int:
    """The largest power of 2, up to `most`, with which training fits into what is free; 0 if none does."""
    chosen, room = choose_precision(precision, device), SHARE * memory_of(device)[0]
    two, three = (training_memory(network, clip, batch, precision=chosen).total for batch in (2, 3))  # linear from here
    powers = (2**n for n in reversed(range(most.bit_length())))
    return next((batch for batch in powers if two + (batch - 2) * (three - two) <= room), 0)


def memory_of(device: str) -> tuple[int, int]:
    """Bytes of the device that this process may have now, and at most."""
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved(), total
    memory, sharing = psutil.virtual_memory(), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    total = memory.total
    with suppress(OSError, ValueError):  # of a container or a cluster's job, on Linux
        group = Path("/proc/self/cgroup").read_text("ascii").rpartition("0::")[2].strip()
        total = min(total, int(Path(f"/sys/fs/cgroup{group}/memory.max").read_text("ascii")))  # a number, or "max"
    total //= sharing
    free = min(memory.available // sharing, total)
    if hasattr(psutil, "RLIMIT_AS"):  # ulimit -v
        process = psutil.Process()
        most = process.rlimit(psutil.RLIMIT_AS)[0]
        if most != psutil.RLIM_INFINITY:
            free, total = min(free, max(0, most - process.memory_info().vms)), min(total, most)
    return free, total


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / 2**30:,.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
