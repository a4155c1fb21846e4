"""Every convolution that a network of the course computes, on memory that holds no zeros: a program for a new process.

    MALLOC_PERTURB_=128 ONEDNN_MAX_CPU_ISA=AVX512_CORE python convolution_check.py [fast] [without-fix]

With MALLOC_PERTURB_ glibc fills what it hands out with bytes of 0x7f, which are huge in bfloat16 and in float32; NaN
is left in what is freed on other systems. Prints how many were tried, then a line for each that is wrong. A fresh seed
each time, which is printed too. `fast` tries three of the sizes, `without-fix` PyTorch's conv3d as it is, up to the
first that is wrong: with some processors this prints a line, or ends the process.
"""

import math
import sys
from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.networks.family import BUILDERS, create_network, network_options

FRAMES, SIZES, WIDTH = (1, 2, 3, 4, 8, 16), (8, 16, 24, 32, 40, 48, 56, 64), 8
REPEATED = {"p3d131", "p3d199"}  # they have p3d63's convolutions, more often
MOST_POSITIONS = 8 * 48 * 48  # of the input: leaves out the longest clips at their largest, which take half of the time
LAYOUTS = (torch.contiguous_format, torch.channels_last_3d)
TOLERANCE = {torch.bfloat16: 0.04, torch.float32: 1e-4}  # of the largest value; emulated bfloat16 adds in 8 bits, too


def cases(sizes: tuple[int, ...]) -> set[tuple]:
    """(kernel, stride, padding, C_in, C_out, T, H, W) of all networks, frames and sizes; narrow networks.

    Time and space never mix in a shape: what reaches a layer is found for each number of frames and for each size.
    """
    found = set()
    for name in BUILDERS.keys() - REPEATED:
        times, sides, convolutions = defaultdict(set), defaultdict(set), {}
        for frames, size in [*((frames, sizes[-1]) for frames in FRAMES), *((FRAMES[-1], size) for size in sizes)]:
            given = {"width": WIDTH, "depth": 10, "frames": frames, "size": size}
            options = {key: given[key] for key in network_options(name) if key in given}
            try:
                with torch.device("meta"):
                    network = create_network(name, **options)
                rows = account(network, (3, frames, size, size)).rows
            except InputError:  # C3D takes 32×32 or more, P3D longer clips
                continue
            modules = dict(network.named_modules())
            for row in rows:
                conv = modules.get(row.name)
                if isinstance(conv, Conv):
                    stem_frames = frames if conv.kernel_size[0] == frames else 0  # R2D's kernel is as long as the clip
                    key = row.name, stem_frames
                    convolutions[key] = conv.kernel_size, conv.stride, conv.padding, conv.in_channels, conv.out_channels
                    times[key].add(row.in_shape[1])
                    sides[key].add(row.in_shape[2:])
        for key, conv in convolutions.items():
            found |= {(*conv, t, *side) for t in times[key] for side in sides[key]}
    return {case for case in found if math.prod(case[5:]) <= MOST_POSITIONS}


def wrong(case: tuple, dtype: torch.dtype, layout: torch.memory_format, x: Tensor, weight: Tensor, right: tuple) -> str:
    """Which of output, input gradient and weight gradient is wrong; empty if none is."""
    kernel, stride, padding, c_in, c_out, *_ = case
    with torch.device("meta"):  # no random number is drawn for weights that are replaced
        conv = Conv(c_in, c_out, kernel, stride, padding)
    conv.weight = nn.Parameter(weight.to(dtype, memory_format=layout))
    x = x.detach().clone().to(dtype).contiguous(memory_format=layout).requires_grad_()
    poison()
    out = conv(x)
    towards = right[3].to(dtype).contiguous(memory_format=layout)
    poison()
    out.backward(towards)
    names, tried = ("output", "input gradient", "weight gradient"), (out, x.grad, conv.weight.grad)
    far = [((a.float() - b).abs().max() / b.abs().max()).item() for a, b in zip(tried, right[:3], strict=True)]
    bad = [(name, part) for name, part in zip(names, far, strict=True) if not part <= TOLERANCE[dtype]]
    return ", ".join(f"{name} {part:.3g}" for name, part in bad)


def reference(case: tuple, x: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    """Output, both gradients, and the gradient that they come from, in float64 by PyTorch."""
    _, stride, padding, *_ = case
    x, weight = x.double().requires_grad_(), weight.double().requires_grad_()
    out = F.conv3d(x, weight, None, stride, padding)
    towards = torch.randn(out.shape).bfloat16().double()
    out.backward(towards)
    return out.detach().float(), x.grad.float(), weight.grad.float(), towards


def poison() -> None:
    """Leave NaN in freed memory."""
    pieces = [torch.full((4**power,), float("nan")) for power in range(3, 9)]
    del pieces


def main() -> None:
    """Try all."""
    torch.set_num_threads(1)
    seed = torch.seed() % 2**32
    torch.manual_seed(seed)
    if "without-fix" in sys.argv:
        Conv.away_from_edges = lambda conv, x: (x, conv.stride, conv.padding)
    tried, lines = 0, []
    smallest_first = sorted(cases(SIZES[::3] if "fast" in sys.argv else SIZES), key=lambda case: case[:4:-1])
    for case in smallest_first:
        kernel, *_, c_in, c_out, t, h, w = case
        clips = 2 if t * h * w < 500 else 1
        x = torch.randn(clips, c_in, t, h, w).bfloat16().float()
        weight = (torch.randn(c_out, c_in, *kernel) / (c_in * kernel[0] * kernel[1] * kernel[2]) ** 0.5).bfloat16()
        right = reference(case, x, weight)
        for dtype in (torch.bfloat16, torch.float32):
            for layout in LAYOUTS:
                tried += 1
                if what := wrong(case, dtype, layout, x, weight, right):
                    lines.append(f"wrong {what}: {case}, {dtype}, {layout}")
        if lines and "without-fix" in sys.argv:
            break
    print(f"tried {tried}, seed {seed}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
