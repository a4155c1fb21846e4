"""The residual network that all of the paper's networks are: a stem, four groups of blocks, a pool, a classifier.

Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018, sections 3.1 to 3.5.
What distinguishes the networks is one word a group (family.py). Modules are named as in torchvision's VideoResNet, so
that its checkpoints load as they are.
"""

from itertools import count

import torch
from torch import Tensor, nn

from r2p1d_edu.cost.matching import STEM_MIDPLANES, midplanes
from r2p1d_edu.errors import InputError, check_choice, check_counts
from r2p1d_edu.networks.convolutions import Conv, make_conv, norm_relu
from r2p1d_edu.networks.fusion import FUSIONS

DEPTHS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # residual blocks a group
STEM_KINDS = ("stacked", "2d", "3d", "2+1d")
GROUP_KINDS = ("2d", "3d", "2+1d", "p3d-a", "p3d-b", "p3d-c", "p3d")


def make_stem(kind: str, width: int, frames: int, mid: int | None = None, relu_between: bool = True) -> nn.Sequential:
    """The first group, conv1: (N, 3, T, H, W) → (N, width, T, H/2, W/2).

    "stacked" sees all frames at once, as channels of one picture, and leaves T = 1: the stem of R2D. The "2+1d" stem
    has `mid` channels between its halves: unless given 45 at width 64, as the authors released it; their formula
    would give 83.
    """
    if kind == "2+1d":
        mid = max(1, STEM_MIDPLANES * width // 64) if mid is None else mid
        spatial = (Conv(3, mid, (1, 7, 7), (1, 2, 2)), *norm_relu(mid, relu_between))
        return nn.Sequential(*spatial, Conv(mid, width, (3, 1, 1)), *norm_relu(width))
    t, pad = {"stacked": (frames, 0), "2d": (1, 0), "3d": (3, 1)}[kind]
    return nn.Sequential(Conv(3, width, (t, 7, 7), (1, 2, 2), (pad, 3, 3)), *norm_relu(width))


def make_shortcut(in_channels: int, channels: int, strides: tuple[int, int, int]) -> nn.Sequential | None:
    """A 1×1×1 convolution and BatchNorm, with no ReLU, where a block changes size; elsewhere x passes as it is."""
    if in_channels == channels and strides[2] == 1:
        return None
    return nn.Sequential(Conv(in_channels, channels, (1, 1, 1), strides), nn.BatchNorm3d(channels))


class Block(nn.Module):
    """The paper's "vanilla" residual block, section 3.1: relu(x + bn(conv2(relu(bn(conv1(x)))))).

    Shapes: (N, C_in, T, H, W) → (N, C_out, T/s, H/s, W/s), with T kept by a "2d" block.
    """

    def __init__(self, kind: str, in_channels: int, channels: int, stride: int, rule: str, relu_between: bool = True):
        super().__init__()
        # torchvision computes M once a block, from the block's own ends, and uses it in both convolutions.
        mid1 = midplanes(in_channels, channels)
        mid2 = mid1 if rule == "per_block" else midplanes(channels, channels)
        first = make_conv(kind, in_channels, channels, stride, mid1, relu_between)
        second = make_conv(kind, channels, channels, 1, mid2, relu_between)
        self.conv1 = nn.Sequential(first, *norm_relu(channels))
        self.conv2 = nn.Sequential(second, nn.BatchNorm3d(channels))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = make_shortcut(in_channels, channels, (1 if kind == "2d" else stride, stride, stride))

    def forward(self, x: Tensor) -> Tensor:
        """Transform (N, C_in, T, H, W)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(self.conv1(x)) + shortcut)


class VideoResNet(nn.Module):
    """A network of the family: (N, 3, T, H, W) clips → (N, num_classes) logits.

    Args:
        kinds: a kind of convolution for the stem (one of STEM_KINDS) and for each of the four groups (GROUP_KINDS).
            "p3d" cycles A, B, C block by block over the whole network, as P3D does.
        depth: 10, 18 or 34 layers.
        frames: clip length T; only a "stacked" stem depends on it.
        width: channels of the stem and the first group; the other groups have 2, 4 and 8 times as many. The paper: 64.
        midplanes: "per_conv", the paper's and VMZ's rule for M, or "per_block", torchvision's.
        fusion: how the last features become one vector: "pool" (the paper's average), "gru" or "conv" (fusion.py).
        stem_midplanes: as `mid` of make_stem.
        relu_between: keep the ReLU between the halves of each (2+1)D convolution. Without it the two halves are one
            linear map again: an experiment of this course's, not a published network.
        zero_init_residual: begin each block as its shortcut, with 0 as the scale of its last BatchNorm (Goyal et al.,
            arXiv 1706.02677, section 5.1), which makes deep networks easier to start; torchvision's name for it.

    Raises:
        InputError: a kind, option or, when called, a clip that will not do.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        depth: int = 18,
        num_classes: int = 400,
        frames: int = 16,
        width: int = 64,
        midplanes: str = "per_conv",
        fusion: str = "pool",
        stem_midplanes: int | None = None,
        relu_between: bool = True,
        zero_init_residual: bool = False,
    ):
        super().__init__()
        check_kinds(kinds)
        check_choice(depth, DEPTHS, "depth")
        check_choice(midplanes, ("per_conv", "per_block"), "rule for midplanes")
        check_choice(fusion, FUSIONS, "fusion")
        check_counts(num_classes=num_classes, frames=frames, width=width)
        for option, value in {"relu_between": relu_between, "zero_init_residual": zero_init_residual}.items():
            if not isinstance(value, bool):
                raise InputError(f"{option} is {value!r}; it must be True or False")
        if stem_midplanes is not None:
            check_counts(stem_midplanes=stem_midplanes)
        stem_kind, *group_kinds = kinds
        self.stacked_frames = frames if stem_kind == "stacked" else None
        self.stem = make_stem(stem_kind, width, frames, stem_midplanes, relu_between)
        block_number, in_channels = count(), width
        for group, (kind, blocks) in enumerate(zip(group_kinds, DEPTHS[depth], strict=True)):
            channels, layers = width * 2**group, []
            for block in range(blocks):
                stride = 2 if block == 0 and group > 0 else 1
                letter = "abc"[next(block_number) % 3]
                block_kind = f"p3d-{letter}" if kind == "p3d" else kind
                layers.append(Block(block_kind, in_channels, channels, stride, midplanes, relu_between))
                in_channels = channels
            self.add_module(f"layer{group + 1}", nn.Sequential(*layers))
        self.avgpool = nn.AdaptiveAvgPool3d(1 if fusion == "pool" else (None, 1, 1))
        self.fusion = FUSIONS[fusion](in_channels)
        self.fc = nn.Linear(in_channels, num_classes)
        self.apply(initialise)
        for block in self.modules():
            if zero_init_residual and isinstance(block, Block):
                nn.init.zeros_(block.conv2[1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Classify a batch of clips (N, 3, T, H, W)."""
        check_clips(x, self.stacked_frames)
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        check_values(self, x, "layer4", self.layer4[0].downsample[0].stride)
        x = self.fusion(self.avgpool(self.layer4(x)))
        return self.fc(x.flatten(1))


def check_values(network: nn.Module, x: Tensor, group: str, stride: tuple[int, ...]) -> None:
    """Refuse to train where the group that takes x with this stride leaves one value a channel."""
    t, h, w = stride
    if network.training and x[:, 0, ::t, ::h, ::w].numel() == 1:
        raise InputError(
            f"one clip this small leaves {group} a single value a channel, and BatchNorm cannot train on one value:"
            " use a batch of 2 clips or more, or larger frames, or eval()"
        )


def initialise(module: nn.Module) -> None:
    """He initialisation for convolutions, small weights for the classifier, as torchvision does."""
    if isinstance(module, nn.Conv3d | nn.Linear) and module.weight.is_meta:
        return  # there is nothing to fill, and PyTorch would take a second to find that out
    if isinstance(module, nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
        nn.init.zeros_(module.bias)


def check_kinds(kinds: tuple[str, ...]) -> None:
    """Refuse a row that does not name one kind for the stem and one for each of four groups."""
    if isinstance(kinds, str) or len(kinds) != 5:
        raise InputError(f"a network is five kinds of convolution, conv1 and four groups; got {kinds!r}")
    check_choice(kinds[0], STEM_KINDS, "kind of stem")
    for kind in kinds[1:]:
        check_choice(kind, GROUP_KINDS, "kind of group")


def check_clips(x: Tensor, frames: int | None = None) -> None:
    """Refuse anything but a non-empty (N, 3, T, H, W) floating-point batch, of exactly `frames` frames where given."""
    if x.ndim != 5 or x.shape[1] != 3 or 0 in x.shape:
        raise InputError(f"clips must be (N, 3, T, H, W) and not empty; got {tuple(x.shape)}")
    if not torch.is_floating_point(x):
        raise InputError(f"clips must be floating point; got {x.dtype}: normalise them first")
    if frames is not None and x.shape[2] != frames:
        raise InputError(
            f"this network stacks exactly {frames} frames; got {x.shape[2]}: create it with frames={x.shape[2]}"
        )
