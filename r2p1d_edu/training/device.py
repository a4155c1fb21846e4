"""Which device and which precision "auto" means here."""

import ctypes
import logging
import os
import statistics
import sys
import time
import warnings
from functools import cache

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.distributed import is_torchelastic_launched

from r2p1d_edu.errors import InputError

MEASURED_SECONDS = 0.2  # and longer only where three rounds take longer


def has_fast_bf16(device: str) -> bool:
    """Whether bfloat16 runs in the hardware: on most GPUs since 2020 and on x86 processors with AVX512-BF16 or AMX."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        # Emulated bfloat16 is slower than float32, so only the instructions count. Older torch cannot tell: then no.
        return getattr(torch.cpu, "get_capabilities", dict)().get("avx512_bf16", False)
    return False


def choose_device(device: str = "auto") -> str:
    """ "auto" is CUDA, then MPS, then the CPU; a device that is named must be there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in available.items() if there)
    if not available.get(device):
        here = ", ".join(name for name, there in available.items() if there)
        raise InputError(f"device {device!r} is not available here; choose auto or one of {here}")
    return device


def choose_precision(precision: str, device: str) -> str:
    """ "auto" is bfloat16 mixed precision where the hardware has it, else float32."""
    if precision == "auto":
        return "bf16" if has_fast_bf16(device) else "32"
    return precision


def process_count() -> int:
    """How many processes train together: as many as `torchrun` started, or one."""
    return int(os.environ["WORLD_SIZE"]) if is_torchelastic_launched() else 1


def make_fabric(device: str = "auto", precision: str = "auto") -> Fabric:
    """Lightning Fabric for one device, or for as many processes as `torchrun` started.

    `precision` is taken as it is: what to trust a network with is found out in training/precision.py.
    """
    device = choose_device(device)
    processes = {"devices": 1}
    if is_torchelastic_launched():  # Fabric must be told the same numbers as torchrun was
        local, world = int(os.environ["LOCAL_WORLD_SIZE"]), process_count()
        there = {"cuda": torch.cuda.device_count(), "mps": 1, "cpu": local}[device]
        if local > there:
            raise InputError(f"torchrun started {local} processes here, but there are {there} devices of kind {device}")
        processes = {"devices": local, "num_nodes": world // local, "strategy": "ddp"}
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # else it announces each thing that it does
    fabric_precision = {"32": "32-true", "bf16": "bf16-mixed"}[choose_precision(precision, device)]
    torch.backends.cudnn.benchmark = True  # clips of one size at every step: the search for the best kernels pays
    fabric = Fabric(accelerator=device, precision=fabric_precision, **processes)
    fabric.launch()
    return fabric


def keep_freed_memory() -> None:
    """Tell glibc to keep what a step frees for the next one, up to a gigabyte a tensor: a sixth of a tiny step.

    Else each large tensor is new memory, whose pages the system clears one by one. What is kept is never given back.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # malloc.h
        libc.mallopt(mmap_threshold, 2**30)
        libc.mallopt(trim_threshold, 2**31 - 1)


def choose_threads() -> None:
    """Train with one thread where all of them take longer, as on a machine with other busy programs; says so once."""
    threads = torch.get_num_threads()
    if (longer := thread_cost(threads)) > 1:
        warnings.warn(busy(threads, longer), RuntimeWarning, stacklevel=3)
        torch.set_num_threads(1)


def busy(threads: int, longer: float) -> str:
    """What `thread_cost` found, in words."""
    return f"this machine is busy: {threads} threads take {longer:.1f} times as long as one; training uses one"


@cache
def thread_cost(threads: int) -> float:
    """How many times as long as one thread this many take for work in small pieces, as in a training step.

    Measured once a process, so that equal runs stay equal. Threads wait for the slowest of them after each piece.
    """
    if threads == 1:
        return 1.0
    piece, ratios = torch.ones(2**17), []

    def seconds(number: int) -> float:
        torch.set_num_threads(number)
        piece.sin()  # starts the threads
        started = time.perf_counter()
        for _ in range(30):
            piece.sin()
        return time.perf_counter() - started

    started = time.perf_counter()
    while len(ratios) < 3 or (len(ratios) < 20 and time.perf_counter() - started < MEASURED_SECONDS):
        one, all_of_them = seconds(1), seconds(threads)
        ratios.append(all_of_them / one)
    return statistics.median(ratios)


def compiled(network: nn.Module) -> nn.Module:
    """The network under torch.compile, which translates it when it is first called."""
    torch._dynamo.reset()  # it compiles the same lines for eight networks and no more: forget those before
    return torch.compile(network)
