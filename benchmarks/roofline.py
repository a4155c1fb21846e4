"""How fast a device could be at most: what it can multiply and move in a second, and what a network asks of it."""

from functools import cache
from math import prod

import torch

from benchmarks.measure import time_interleaved
from r2p1d_edu.cost.report import Account


@cache
def matmul_rate(device: str, dtype: torch.dtype) -> float:
    """Multiply-adds a second in a product of two large square matrices."""
    n = 8192 if device == "cuda" else 2048
    a, b = torch.rand(2, n, n, device=device).to(dtype)
    return n**3 / time_interleaved({"matmul": lambda: a @ b})["matmul"]


@cache
def bandwidth(device: str) -> float:
    """Bytes a second that are read or written while one large tensor is copied to another."""
    source = torch.zeros(2**30 if device == "cuda" else 2**28, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() / time_interleaved({"copy": lambda: target.copy_(source)})["copy"]


def roofline_seconds(cost: Account, batch: int, training: bool, device: str, dtype: torch.dtype) -> float:
    """No step can take less: the larger of the time to multiply and the time to move the numbers.

    What is moved is, of every layer with multiply-adds, its input, its weights and its output, once; all else could be
    done in passing. Training does it three times over: forward, and backward to the input and to the weights.
    """
    layers = [row for row in cost.rows if row.macs]
    numbers = sum(batch * (prod(row.in_shape) + prod(row.out_shape)) + row.parameters for row in layers)
    multiply = batch * cost.macs / matmul_rate(device, dtype)
    move = numbers * dtype.itemsize / bandwidth(device)
    return (3 if training else 1) * max(multiply, move)
