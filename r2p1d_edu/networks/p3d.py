"""P3D: a ResNet of bottlenecks in which a 1×3×3 and a 3×1×1 convolution stand for a 3×3×3 one, joined in three ways.

Qiu, Yao and Mei, "Learning Spatio-Temporal Representation with Pseudo-3D Residual Networks", ICCV 2017, section 3.
With S the spatial convolution, T the temporal one and x the narrow tensor inside the bottleneck, a unit computes

    A, serial:      T(S(x))
    B, parallel:    S(x) + T(x)
    C, compromise:  S(x) + T(S(x))

and the network takes A, B, C, A, B, C, … block after block, not starting again at a new group. Layer for layer it
follows the authors' deploy_p3d_resnet_kinetics.prototxt (ZhaofanQiu/pseudo-3d-residual-networks).
"""

from itertools import cycle

from torch import Tensor, nn

from r2p1d_edu.errors import InputError, check_choice, check_counts
from r2p1d_edu.networks.convolutions import Conv, Pseudo3D, norm_relu
from r2p1d_edu.networks.resnet import check_clips, check_values, initialise, make_shortcut

# Bottlenecks in res2, res3, res4, res5: ResNet-50, -101 and -152. A unit has two convolutions where ResNet has one, so
# the first three groups hold four layers a block: 4·(3+4+6) + 3·3 in res5 + conv1 + fc = 63.
# Sources: the prototxt for 199; qijiezhao/pseudo-3d-pytorch, p3d_model.py, for 63 and 131.
P3D_DEPTHS = {
    63:  (3, 4, 6, 3),
    131: (3, 4, 23, 3),
    199: (3, 8, 36, 3),
}  # fmt: skip
EXPANSION = 4  # a bottleneck's ends are four times as wide as its middle


class Bottleneck(nn.Module):
    """A residual block: relu(x + restore(unit(reduce(x)))), reduce and restore being 1×1×1 convolutions.

    `form` "A", "B" or "C" puts a Pseudo3D in the middle, "2D" a 1×3×3 convolution. Only space is ever strided, in
    reduce and in the shortcut; the middle keeps its size and width, so A, B and C cost exactly the same.
    Shapes: (N, C_in, T, H, W) → (N, 4·channels, T, H/s, W/s).
    """

    def __init__(self, in_channels: int, channels: int, stride: int, form: str, convention: str = "paper"):
        super().__init__()
        out_channels, strides = EXPANSION * channels, (1, stride, stride)
        self.reduce = nn.Sequential(Conv(in_channels, channels, (1, 1, 1), strides), *norm_relu(channels))
        self.unit: nn.Module
        if form == "2D":
            self.unit = nn.Sequential(Conv(channels, channels, (1, 3, 3)), *norm_relu(channels))
        else:
            self.unit = Pseudo3D(channels, channels, form=form, convention=convention)
        self.restore = nn.Sequential(Conv(channels, out_channels, (1, 1, 1)), nn.BatchNorm3d(out_channels))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = make_shortcut(in_channels, out_channels, strides)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (N, C_in, T, H, W)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.restore(self.unit(self.reduce(x))) + shortcut)


class P3D(nn.Module):
    """P3D-63, -131 or -199: (N, 3, T, H, W) clips → (N, num_classes) logits.

    Convolutions never stride in time: four max-pools halve it instead, and res5 is 2D. The published clip of
    16×160×160 thus has one frame left at res5, where the authors go on with pictures; longer clips keep some frames
    until the average at the end, and shorter ones reach a single frame sooner. The authors' dropout before fc is left
    out: its rate belongs to their recipes (0.5 for Kinetics, 0.1 for Sports-1M), and no residual network here has one.

    Args:
        depth: 63, 131 or 199 layers.
        frames: as every network takes it; nothing here depends on it, and clips of any length fit.
        width: channels of conv1 and of the middle of res2's blocks; the other groups have 2, 4 and 8 times as many.
        convention: how B and C join their paths, as in Pseudo3D: "paper" adds, "released" is the authors' prototxt.
        forms: the units to cycle through. The paper's networks of one form only (its Table 1) are "A", "B" and "C".

    Raises:
        InputError: an option or, when called, a clip that will not do.
    """

    def __init__(
        self,
        depth: int = 63,
        num_classes: int = 400,
        frames: int = 16,
        width: int = 64,
        convention: str = "paper",
        forms: str = "ABC",
    ):
        super().__init__()
        check_choice(depth, P3D_DEPTHS, "depth")
        check_choice(convention, ("paper", "released"), "convention")
        if not isinstance(forms, str) or not forms or set(forms) - set("ABC"):
            raise InputError(f"forms is {forms!r}; it must be letters of A, B and C to cycle through, such as 'ABC'")
        check_counts(num_classes=num_classes, frames=frames, width=width)
        self.stem = nn.Sequential(Conv(3, width, (1, 7, 7), (1, 2, 2)), *norm_relu(width))
        # Caffe's pooling rounds up: 16×80×80 gives 8×40×40, an odd last frame is kept, a single one passes.
        self.pool1 = nn.MaxPool3d((2, 3, 3), stride=2, ceil_mode=True)
        letters, in_channels = cycle(forms), width
        for group, blocks in enumerate(P3D_DEPTHS[depth]):
            channels, layers = width * 2**group, []
            for block in range(blocks):
                stride = 2 if block == 0 and group > 0 else 1
                form = "2D" if group == 3 else next(letters)
                layers.append(Bottleneck(in_channels, channels, stride, form, convention))
                in_channels = EXPANSION * channels
            self.add_module(f"res{group + 2}", nn.Sequential(*layers))
            if group < 3:
                self.add_module(f"pool{group + 2}", nn.MaxPool3d((2, 1, 1), ceil_mode=True))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(in_channels, num_classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Classify a batch of clips (N, 3, T, H, W)."""
        check_clips(x)
        if min(x.shape[3:]) < 3:  # conv1 would leave one pixel, and pool1 needs two
            raise InputError(f"P3D needs frames of 3×3 pixels or more; got {x.shape[3]}×{x.shape[4]}: use larger ones")
        x = self.pool1(self.stem(x))
        x = self.pool2(self.res2(x))
        x = self.pool3(self.res3(x))
        x = self.pool4(self.res4(x))
        check_values(self, x, "res5", (1, 2, 2))
        return self.fc(self.avgpool(self.res5(x)).flatten(1))
