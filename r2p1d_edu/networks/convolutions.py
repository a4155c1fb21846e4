"""The kinds of convolution that the networks are built from. Tensors are (N, C, T, H, W)."""

import math
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r2p1d_edu.cost.matching import midplanes

Triple = tuple[int, int, int]  # along t, h, w


class Conv(nn.Conv3d):
    """Conv3d, padded to keep its size unless told otherwise: (N, C_in, T, H, W) → (N, C_out, T/s, H/s, W/s).

    The same numbers can be computed in several ways, and `algorithm` names the fastest that is right. Weights stay
    five-dimensional: checkpoints fit any of them.

    Attributes:
        in_float32: compute in float32 even under autocast, since this machine gets lower precision wrong here
            (training/precision.py finds out).
    """

    in_float32 = False
    padding: Triple  # Conv3d's may be a word, too

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Triple,
        stride: Triple = (1, 1, 1),
        padding: Triple | None = None,
        bias: bool = False,
    ):
        t, h, w = kernel
        same = (t // 2, h // 2, w // 2)
        super().__init__(in_channels, out_channels, kernel, stride, same if padding is None else padding, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C_in, T, H, W)."""
        if self.in_float32:
            with torch.autocast(x.device.type, enabled=False):
                return getattr(self, self.algorithm(x))(x.float())
        return getattr(self, self.algorithm(x))(x)

    def algorithm(self, x: Tensor) -> str:
        """ "im2col", "fold_time", "fold_space" or "conv3d": what was the fastest on two cores (benchmarks/RESULTS.md).

        Not measured is any other device: there, what is flat in time or in space is computed as the 2D convolution that
        it is, since cuDNN's conv3d has been slow, hungry or wrong in bfloat16 from release to release (PyTorch's issues
        166122, 166643 and 163539).
        """
        flat_in_time = self.kernel_size[0] == self.stride[0] == 1 and self.padding[0] == 0
        flat_in_space = self.kernel_size[1:] == self.stride[1:] == (1, 1) and self.padding[1:] == (0, 0)
        if torch.jit.is_tracing():  # who exports or counts a network wants to find convolutions
            return "conv3d"
        if x.device.type == "cpu":
            channels_last = self.weight.is_contiguous(memory_format=torch.channels_last_3d)
            positions = len(x) * math.prod(self.size_out(x))
            if channels_last and 2 * positions <= min(self.in_channels, self.out_channels):
                return "im2col"
            if torch.compiler.is_compiling():  # views hinder
                return "conv3d"
            flat_in_time = flat_in_time and not self.low_precision(x)  # where it gains nothing
        return "fold_time" if flat_in_time else "fold_space" if flat_in_space else "conv3d"

    def size_out(self, x: Tensor) -> list[int]:
        """T, H and W of the output."""
        sizes = zip(x.shape[2:], self.kernel_size, self.stride, self.padding, strict=True)
        return [(n + 2 * pad - k) // s + 1 for n, k, s, pad in sizes]

    def low_precision(self, x: Tensor) -> bool:
        """Whether x would be multiplied in fewer than 32 bits, itself or under autocast."""
        if self.in_float32:
            return False
        device = x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        return torch.finfo(dtype).bits < 32

    def away_from_edges(self, x: Tensor) -> tuple[Tensor, tuple[int, ...], tuple[int, ...]]:
        """x, stride and padding of the same convolution, without what oneDNN computes wrongly in bfloat16.

        Two faults of its kernels for AVX-512, both seen in oneDNN 3.12 (PyTorch 2.13), the first up to 3.13 (2.15):

        - Where the kernel is longer than the clip and more than one position is computed, such as kernel 3 on T = 2,
          the weight gradient holds memory that was never written. Padded by hand, the kernel lies inside.
        - Where one position is computed with a stride above 1, such as stride 2 on W = 1 or 2, the weight gradient
          is wrong or overwrites other memory, and with AMX the output is wrong too (PyTorch's issue 169688). A single
          position needs no stride, and of the input only what its window covers.

        Once tests/networks/test_right_numbers.py passes without this, it can go.
        """
        if x.device.type != "cpu" or not self.low_precision(x):
            return x, self.stride, self.padding
        edges: list[int] = []
        strides, paddings = [], []
        sizes = zip(x.shape[2:], self.size_out(x), self.kernel_size, self.stride, self.padding, strict=True)
        for length, positions, k, stride, padding in sizes:
            before = after = 0
            if positions == 1 and stride > 1:
                before, after, stride, padding = padding, k - length - padding, 1, 0  # negative: cut off
            elif positions > 1 and padding and length < k:
                before, after, padding = padding, padding, 0
            edges = [before, after, *edges]  # F.pad begins with the last axis
            strides.append(stride)
            paddings.append(padding)
        return F.pad(x, edges) if any(edges) else x, tuple(strides), tuple(paddings)

    def conv3d(self, x: Tensor) -> Tensor:
        """As PyTorch does it."""
        x, stride, padding = self.away_from_edges(x)
        return F.conv3d(x, self.weight, self.bias, stride, padding)

    def fold_time(self, x: Tensor) -> Tensor:
        """A 1×d×d kernel never mixes frames: they join the batch, (N, C, T, H, W) → (N·T, C, H, W)."""
        x, stride, padding = self.away_from_edges(x)
        frames, weight = x.transpose(1, 2).flatten(0, 1), self.weight.flatten(1, 2)
        y = F.conv2d(frames, weight, self.bias, stride[1:], padding[1:])
        return y.unflatten(0, (len(x), -1)).transpose(1, 2)

    def fold_space(self, x: Tensor) -> Tensor:
        """A t×1×1 kernel never mixes pixels: they become one axis, (N, C, T, H, W) → (N, C, T, H·W)."""
        x, stride, padding = self.away_from_edges(x)
        y = F.conv2d(x.flatten(3), self.weight.flatten(3), self.bias, (stride[0], 1), (padding[0], 0))
        return y.unflatten(3, x.shape[3:])

    def im2col(self, x: Tensor) -> Tensor:
        """What a position sees becomes a row of t·d·d·C_in numbers; the kernels are the columns of a matrix."""
        (st, sh, sw), (pt, ph, pw) = self.stride, self.padding
        t, h, w = ((n - 1) * s + 1 for n, s in zip(self.size_out(x), self.stride, strict=True))
        padded = F.pad(x, (pw, pw, ph, ph, pt, pt)).permute(0, 2, 3, 4, 1)
        places = product(*map(range, self.kernel_size))
        # Channels last, as the weights lie in training: then neither pieces nor weights are put in another order.
        pieces = [padded[:, i : i + t : st, j : j + h : sh, k : k + w : sw] for i, j, k in places]
        matrix = self.weight.permute(0, 2, 3, 4, 1).flatten(1)
        return F.linear(torch.cat(pieces, -1), matrix, self.bias).permute(0, 4, 1, 2, 3)


def norm_relu(channels: int, relu: bool = True) -> tuple[nn.Module, nn.Module]:
    """BatchNorm and ReLU, as after every convolution of the paper; without `relu`, nothing stands in its place."""
    return nn.BatchNorm3d(channels), nn.ReLU(inplace=True) if relu else nn.Identity()


class Conv2Plus1D(nn.Sequential):
    """The (2+1)D convolution, paper section 3.5: 1×3×3 to `mid` channels, BatchNorm, ReLU, 3×1×1 to `out_channels`.

    The spatial half takes the spatial stride and the temporal half the temporal one. The ReLU in between is the
    extra non-linearity that the 3D convolution of the same cost does not have; without `relu` the pair is as linear
    as that one.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, mid: int, relu: bool = True):
        super().__init__(
            Conv(in_channels, mid, (1, 3, 3), (1, stride, stride)),
            *norm_relu(mid, relu),
            Conv(mid, out_channels, (3, 1, 1), (stride, 1, 1)),
        )


def make_conv(
    kind: str, in_channels: int, out_channels: int, stride: int, mid: int | None = None, relu_between: bool = True
) -> nn.Module:
    """One convolution of the given kind with a 3×3×3 reach or less, BatchNorm and ReLU left to the caller.

    `mid` is the inner width of a (2+1)D convolution, M_i unless given; `relu_between` keeps the ReLU at that width.
    """
    match kind:
        case "2d":  # a 2D group strides in space alone: time keeps its length
            return Conv(in_channels, out_channels, (1, 3, 3), (1, stride, stride))
        case "3d":
            return Conv(in_channels, out_channels, (3, 3, 3), (stride, stride, stride))
        case "2+1d":
            mid = midplanes(in_channels, out_channels) if mid is None else mid
            return Conv2Plus1D(in_channels, out_channels, stride, mid, relu_between)
        case "p3d-a" | "p3d-b" | "p3d-c":
            return Pseudo3D(in_channels, out_channels, stride, form=kind[-1].upper())
    raise ValueError(f"make_conv knows no kind {kind!r}")


class Pseudo3D(nn.Module):
    """P3D's three ways to join a spatial convolution S (1×3×3) and a temporal one T (3×1×1).

    Qiu, Yao and Mei, ICCV 2017, section 3.1. Inside a residual unit, with x the input:

        A, serial:      T(S(x))
        B, parallel:    S(x) + T(x)
        C, compromise:  S(x) + T(S(x))

    S and T each end in BatchNorm and ReLU. The paper's C adds the two paths; the authors' released networks average
    them and rectify after the sum. `convention` picks between the two:

        "paper":     B = relu(bn S) + relu(bn T),        C = relu(bn S) + relu(bn T)
        "released":  B = relu(relu(bn S) + bn T),        C = relu((relu(bn S) + bn T) / 2)

    Shapes: (N, C_in, T, H, W) → (N, C_out, T/s, H/s, W/s). The width between S and T is `out_channels`: P3D saves
    parameters where R(2+1)D keeps them.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        *,
        form: str,
        convention: str = "paper",
    ):
        super().__init__()
        self.form, self.convention = form, convention
        s = stride
        # B and C add S's output to T's, so their S must already have the final size in time too.
        spatial_stride = (1, s, s) if form == "A" else (s, s, s)
        self.spatial = nn.Sequential(
            Conv(in_channels, out_channels, (1, 3, 3), spatial_stride), *norm_relu(out_channels)
        )
        temporal_in = in_channels if form == "B" else out_channels
        temporal_stride = {"A": (s, 1, 1), "B": (s, s, s), "C": (1, 1, 1)}[form]
        self.temporal = nn.Sequential(
            Conv(temporal_in, out_channels, (3, 1, 1), temporal_stride),
            nn.BatchNorm3d(out_channels),
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Apply S and T to (N, C_in, T, H, W)."""
        s = self.spatial(x)
        t = self.temporal(x if self.form == "B" else s)
        if self.form == "A":
            return self.relu(t)
        if self.convention == "paper":
            return s + self.relu(t)
        return self.relu(s + t if self.form == "B" else (s + t) / 2)
