"""Layer by layer: what shape comes out, how many multiply-adds it takes, how far it looks. Nothing is computed.

A rule takes a layer and its input, a tensor on the meta device that has a shape and no numbers, (N, C, …), and gives
a Step. Rules refuse what the layer itself would refuse. A subclass of a known layer is taken to keep its arithmetic.
"""

from functools import partial
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from r2p1d_edu.cost.report import Shape
from r2p1d_edu.errors import InputError


class Window(NamedTuple):
    """What a convolution or pool slides over its input, along t, h and w."""

    kernel: Shape
    stride: Shape = (1, 1, 1)
    padding: Shape = (0, 0, 0)  # at the beginning of each axis
    dilation: Shape = (1, 1, 1)


class Field(NamedTuple):
    """What one unit sees of the clip along t, h and w.

    Unit 0 sees `low` to `high`, both included, below 0 where it sees padding; unit i sees the same, i·jump further.
    """

    low: Shape = (0, 0, 0)
    high: Shape = (0, 0, 0)
    jump: Shape = (1, 1, 1)

    @property
    def size(self) -> Shape:
        """How many frames, rows and columns that is."""
        return tuple(high - low + 1 for low, high in zip(self.low, self.high, strict=True))

    def through(self, window: Window) -> "Field":
        """The field after one more layer: (k−1)·jump larger, and the jump times the stride."""
        axes = list(zip(*self, *window, strict=True))
        return Field(
            tuple(low - pad * jump for low, _, jump, _, _, pad, _ in axes),
            tuple(high + ((k - 1) * dilation - pad) * jump for _, high, jump, k, _, pad, dilation in axes),
            tuple(jump * stride for _, _, jump, _, stride, _, _ in axes),
        )

    def union(self, other: "Field") -> "Field":
        """What a unit sees that is made of two, as at the end of a residual block."""
        if self == other:
            return self
        low, high, jump = ((a, b) for a, b in zip(self, other, strict=True))
        return Field(tuple(map(min, *low)), tuple(map(max, *high)), tuple(map(max, *jump)))


class Step(NamedTuple):
    """The outcome of a rule."""

    out: Tensor | tuple
    macs: int = 0
    window: Window | None = None
    writes: bool = True  # False: the input itself is passed on


def blank(*shape: int, field: Field | None = None) -> Tensor:
    """A tensor with a shape and no numbers; the walk notes on it what of the clip one of its units sees."""
    x = torch.empty(shape, device="meta")
    if field:
        x.field = field  # type: ignore[attr-defined]  # tensors take attributes
    return x


def expect(fits: bool, layer: nn.Module, wanted: str, x: Tensor) -> None:
    """Refuse an input that the layer would refuse."""
    if not fits:
        raise InputError(f"{type(layer).__name__} takes {wanted} and gets {tuple(x.shape)}")


def per_axis(value, dims: int) -> tuple:
    """One number an axis, from one number or from several."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims


def thw(values, fill: int) -> Shape:
    """Name the axes: three are t, h, w; two are h, w, as in a network over frames; one is t."""
    return {3: tuple(values), 2: (fill, *values), 1: (*values, fill, fill)}[len(values)]


def slide(layer, x, kernel, stride, padding, dilation, *, ceil=False) -> tuple[list[int], Window]:
    """The sizes that are left after sliding a window over all axes of x but the first two, and the window."""
    expect(x.ndim == len(kernel) + 2, layer, f"{len(kernel) + 2} axes, N and C first,", x)
    sizes = []
    for size, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True):
        room = int(size + 2 * p) - d * (k - 1) - 1
        steps = -(-room // s) if ceil else room // s
        if ceil and steps * s >= size + p:  # no window may begin in the padding at the far end
            steps -= 1
        expect(steps >= 0, layer, f"at least its window, {'×'.join(map(str, kernel))},", x)
        sizes.append(steps + 1)
    pads = [int(p) for p in padding]
    return sizes, Window(thw(kernel, 1), thw(stride, 1), thw(pads, 0), thw(dilation, 1))


def conv(layer, x: Tensor) -> Step:
    """MACs: output numbers × input channels of a group × kernel. The bias is an addition: it is not counted."""
    expect(x.ndim > 1 and x.shape[1] == layer.in_channels, layer, f"{layer.in_channels} channels", x)
    kernel, padding, dilation = layer.kernel_size, layer.padding, layer.dilation
    if isinstance(padding, str):
        padding = [d * (k - 1) / 2 if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    sizes, window = slide(layer, x, kernel, layer.stride, padding, dilation)
    out = blank(x.shape[0], layer.out_channels, *sizes)
    return Step(out, out.numel() * layer.in_channels // layer.groups * prod(kernel), window)


def pool(layer, x: Tensor, dims: int) -> Step:
    """Maximum or average of a window: no multiply-adds by convention."""
    kernel = per_axis(layer.kernel_size, dims)
    stride, padding = per_axis(layer.stride or kernel, dims), per_axis(layer.padding, dims)
    dilation = per_axis(getattr(layer, "dilation", 1), dims)
    sizes, window = slide(layer, x, kernel, stride, padding, dilation, ceil=layer.ceil_mode)
    return Step(blank(*x.shape[:2], *sizes), window=window)


def adaptive_pool(layer, x: Tensor, dims: int) -> Step:
    """A pool told its output size; the window is the largest that it uses."""
    expect(x.ndim == dims + 2, layer, f"{dims + 2} axes, N and C first,", x)
    sizes = x.shape[2:]
    wanted = [size if out is None else out for size, out in zip(sizes, per_axis(layer.output_size, dims), strict=True)]
    stride = [max(1, size // out) for size, out in zip(sizes, wanted, strict=True)]
    kernel = [widest(size, out) for size, out in zip(sizes, wanted, strict=True)]
    return Step(blank(*x.shape[:2], *wanted), window=Window(thw(kernel, 1), thw(stride, 1)))


def widest(size: int, out: int) -> int:
    """Window i of an adaptive pool reaches from floor(i·size/out) to ceil((i+1)·size/out)."""
    return max(-(-(i + 1) * size // out) - i * size // out for i in range(out))


def linear(layer, x: Tensor) -> Step:
    """MACs: output numbers × input features."""
    expect(x.shape[-1] == layer.in_features, layer, f"{layer.in_features} features", x)
    out = blank(*x.shape[:-1], layer.out_features)
    return Step(out, out.numel() * layer.in_features)


def recurrent(layer: nn.RNNBase, x: Tensor) -> Step:
    """MACs: every weight once a step. The gates' own products are elementwise and not counted. Each output may see
    all steps: (N, T, C) → (N, T, hidden), and the last states.
    """
    expect(x.ndim == 3 and x.shape[-1] == layer.input_size, layer, f"3 axes, the last of {layer.input_size},", x)
    steps, batch = x.shape[layer.batch_first], x.shape[1 - layer.batch_first]
    directions = 2 if layer.bidirectional else 1
    width = layer.proj_size or layer.hidden_size
    widths = [width, layer.hidden_size] if layer.mode == "LSTM" else [width]
    state, *cell = (blank(directions * layer.num_layers, batch, size) for size in widths)
    weights = sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
    window = Window((steps, 1, 1), padding=(steps - 1, 0, 0))
    out = blank(*x.shape[:2], directions * width)
    return Step((out, (state, *cell) if cell else state), batch * steps * weights, window)


def norm(layer, x: Tensor) -> Step:
    """One multiply-add a number, and by the convention of the published tables none."""
    fits = x.ndim > 1 and x.shape[1] == layer.num_features
    expect(fits, layer, f"{layer.num_features} channels", x)
    return Step(x)


def elementwise(layer, x: Tensor) -> Step:
    """Same shape; no multiply-adds by convention."""
    return Step(x)


def passed_on(layer, x: Tensor) -> Step:
    """The input itself: what Identity and an empty Sequential do, and Dropout outside training."""
    return Step(x, writes=False)


def flatten(layer: nn.Flatten, x: Tensor) -> Step:
    """The input itself, its axes counted as one."""
    return Step(x.flatten(layer.start_dim, layer.end_dim), writes=False)


def mean(input: Tensor, dim=None, keepdim: bool = False, *, axis=None, dtype=None) -> tuple[Tensor, Window | None]:
    """Tensor.mean is a pool as large as the axes that it averages: (N, C, T, H, W) over h and w → (N, C, T)."""
    x, dim = input, axis if dim is None else dim
    dims = range(x.ndim) if dim is None else {d % x.ndim for d in per_axis(dim, 1)}
    out = [1 if axis in dims else size for axis, size in enumerate(x.shape) if keepdim or axis not in dims]
    kernel = tuple(x.shape[axis] if axis in dims else 1 for axis in range(2, x.ndim))
    return blank(*out), Window(kernel) if x.ndim == 5 else None


RULES = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), conv),
    nn.Linear: linear,
    nn.RNNBase: recurrent,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm), norm),
    **dict.fromkeys((nn.GroupNorm, nn.LayerNorm), elementwise),
    **dict.fromkeys((nn.ReLU, nn.LeakyReLU, nn.Hardtanh, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh), elementwise),
    **dict.fromkeys((nn.Identity, nn.Sequential, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d), passed_on),
    nn.Flatten: flatten,
    **{getattr(nn, f"{kind}Pool{n}d"): partial(pool, dims=n) for kind in ("Max", "Avg") for n in (1, 2, 3)},
    **{
        getattr(nn, f"Adaptive{kind}Pool{n}d"): partial(adaptive_pool, dims=n)
        for kind in ("Max", "Avg")
        for n in (1, 2, 3)
    },
}


def rule_for(layer: nn.Module):
    """The rule of the layer's class or of the nearest class that it is derived from; None where there is none."""
    if getattr(layer, "return_indices", False):  # a pool with two outputs
        return None
    return next((RULES[cls] for cls in type(layer).__mro__ if cls in RULES), None)
