"""Which precision a run may trust, found out by trying each of its convolutions before the first step.

Kernels for bfloat16 have been wrong in released versions of PyTorch, on some processors only and without a word: a
gradient that holds memory which was never written (networks/convolutions.py names two such faults). So memory is
filled with NaN first, which whoever reads it then passes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.func import functional_call

from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.training.device import choose_precision

ROUNDING = 0.02  # of the largest value: bfloat16 keeps 8 bits, so 0.004 is usual
MOST_MACS = 1e8  # a convolution is tried on as many clips of the batch as this allows, at least on one
POISON = tuple(4**power for power in range(3, 11))  # float32 numbers: pieces from 256 bytes to 4 MB


@dataclass(frozen=True)
class Case:
    """A convolution as a network meets it: all that decides which kernel computes it."""

    in_channels: int
    out_channels: int
    kernel: tuple[int, int, int]
    stride: tuple[int, int, int]
    padding: tuple[int, int, int]
    shape: tuple[int, ...]  # (N, C, T, H, W)
    channels_last: bool
    compiled: bool

    def __str__(self) -> str:
        sizes = ("×".join(map(str, size)) for size in (self.kernel, self.shape[2:]))
        return "{} → {} channels, kernel {} on {}".format(self.in_channels, self.out_channels, *sizes)


@dataclass(frozen=True)
class Verdict:
    """What a network's convolutions can be trusted with: `wrong` names those that run in float32, with the reason."""

    precision: str  # "bf16" or "32"
    wrong: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.wrong:
            return ""
        first, *others = self.wrong
        more = f", and {len(others)} more" if others else ""
        return f"this machine computes bfloat16 wrongly in {first}{more}: run in float32"


def trust(
    network: nn.Module,
    clip: tuple[int, ...],
    batch: int,
    precision: str = "auto",
    device: str = "cpu",
    compiled: bool = False,
) -> Verdict:
    """Try each distinct convolution of the network in the chosen precision; those that are wrong go to float32.

    Args:
        network: its convolutions are marked (`Conv.in_float32`); nothing else of it changes.
        clip: (C, T, H, W) of one clip.
        batch: clips a step.
        precision: "auto", "bf16" or "32". float32 is what the others are held against, and is not tried.
        device: where the network is to run.
        compiled: it is to run under torch.compile, where `Conv` leaves all to conv3d.

    Raises:
        InputError: "bf16" was asked for by name, and is wrong here.
    """
    chosen = choose_precision(precision, device)
    modules = {name: module for name, module in network.named_modules() if isinstance(module, Conv)}
    for module in modules.values():
        module.in_float32 = False
    if chosen == "32":
        return Verdict("32")
    wrong = []
    for name, case in cases(network, modules, clip, batch, compiled):
        if fault := fault_of(case, device, torch.get_num_threads()):
            modules[name].in_float32 = True
            wrong.append(f"{name} ({case}: {fault})")
    if wrong and precision == "bf16":
        raise InputError(f"{Verdict('bf16', tuple(wrong))} with precision auto, or give precision 32")
    return Verdict(chosen, tuple(wrong))


def cases(
    network: nn.Module, modules: dict[str, Conv], clip: tuple[int, ...], batch: int, compiled: bool
) -> Iterator[tuple[str, Case]]:
    """Each convolution by name, with the shape that reaches it."""
    for row in account(network, clip).rows:
        if conv := modules.get(row.name):
            clips = max(1, min(batch, int(MOST_MACS // row.macs)))
            last = conv.weight.is_contiguous(memory_format=torch.channels_last_3d)
            sizes = conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
            yield row.name, Case(*sizes, (clips, *row.in_shape), last, compiled)


@cache
def fault_of(case: Case, device: str, threads: int) -> str:
    """What is wrong with this convolution in bfloat16; an empty string if nothing is. Tried once a process.

    `threads` is there because another number of them may take other kernels.
    """
    with torch.device("meta"):  # the weights come later, and no random number is drawn for these
        conv = Conv(case.in_channels, case.out_channels, case.kernel, case.stride, case.padding)
    if case.compiled:
        conv.algorithm = lambda x: "conv3d"
    generator = torch.Generator().manual_seed(0)
    layout = torch.channels_last_3d if case.channels_last else torch.contiguous_format

    def draw(shape: tuple[int, ...], scale: float = 1.0) -> Tensor:
        drawn = scale * torch.randn(shape, generator=generator)
        return drawn.bfloat16().float().to(device, memory_format=layout)  # both precisions get the same numbers

    x, weight = draw(case.shape), draw(conv.weight.shape, conv.weight[0].numel() ** -0.5)
    towards = draw((case.shape[0], case.out_channels, *conv.size_out(x)))
    try:
        right, tried = (numbers(conv, x, weight, towards, dtype) for dtype in (torch.float32, torch.bfloat16))
    except (RuntimeError, AssertionError) as error:
        return f"it cannot be tried, {str(error).splitlines()[0]}"
    for what, one, other in zip(("output", "input gradient", "weight gradient"), right, tried, strict=True):
        if not (other.float() - one).abs().max() <= ROUNDING * one.abs().max():  # NaN is not below anything
            return f"its {what} differs from float32's"
    return ""


def numbers(conv: Conv, x: Tensor, weight: Tensor, towards: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Output and both gradients, computed with memory full of NaN."""
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    with torch.enable_grad(), torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        poison(x.device)
        out = functional_call(conv, {"weight": weight}, x)
        poison(x.device)
        gradients = torch.autograd.grad(out, (x, weight), towards.to(out.dtype))
    return out.detach(), *gradients


def poison(device: torch.device) -> None:
    """Fill memory with NaN and give it back: the allocator hands it out again, as it is."""
    pieces = [torch.full((size,), float("nan"), device=device) for size in POISON]
    del pieces
