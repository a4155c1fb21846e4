"""The kinds of convolution that the networks are built from. Tensors are (N, C, T, H, W)."""

from torch import Tensor, nn
from torch.nn import functional as F

from r2p1d_edu.accounting.matching import midplanes

Triple = tuple[int, int, int]


class Conv(nn.Conv3d):
    """Conv3d without bias, padded to keep its size: (N, C_in, T, H, W) → (N, C_out, T/s, H/s, W/s).

    A 1×d×d kernel never mixes frames and a t×1×1 kernel never mixes pixels, so each is exactly a 2D convolution on a
    reshaped view. On a CPU that was faster in float32 and no different in bfloat16 (benchmarks/RESULTS.md). Weights
    stay five-dimensional: checkpoints fit either way.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Triple,
        stride: Triple = (1, 1, 1),
        padding: Triple | None = None,
    ):
        padding = tuple(k // 2 for k in kernel) if padding is None else padding
        super().__init__(in_channels, out_channels, kernel, stride, padding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C_in, T, H, W)."""
        (kt, kh, kw), (st, sh, sw), (pt, ph, pw) = self.kernel_size, self.stride, self.padding
        if kt == st == 1 and pt == 0:  # frames join the batch: (N, C, T, H, W) → (N·T, C, H, W)
            frames = x.transpose(1, 2).flatten(0, 1)
            y = F.conv2d(frames, self.weight[:, :, 0], None, (sh, sw), (ph, pw))
            return y.unflatten(0, (x.shape[0], -1)).transpose(1, 2)
        if kh == kw == sh == sw == 1 and ph == pw == 0:  # pixels become one axis: (N, C, T, H, W) → (N, C, T, H·W)
            y = F.conv2d(x.flatten(3), self.weight[..., 0], None, (st, 1), (pt, 0))
            return y.unflatten(3, x.shape[3:])
        return super().forward(x)


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
