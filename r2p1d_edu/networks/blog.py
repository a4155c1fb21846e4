"""The R(2+1)D of the article and of many repositories, under its own names: not the network of the paper.

The listing goes back through jfzhang95/pytorch-video-recognition (network/R2Plus1D_model.py) to
irhum/R2Plus1D-PyTorch. It is kept here so that it can be measured: `Quirk:` marks each place where it leaves the paper.
Against the paper's 33,370,839 parameters and 34 ReLUs it has 33,380,137 and 56 at 400 classes.
"""

import os
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from r2p1d_edu.cost.matching import STEM_MIDPLANES, midplanes
from r2p1d_edu.errors import InputError, check_choice, check_counts
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.networks.loading import load_weights, read_weights
from r2p1d_edu.networks.resnet import DEPTHS, check_clips

Size = int | tuple[int, int, int]  # (time, height, width), or one number for all three


class SpatioTemporalConv(nn.Module):
    """A 1×d×d convolution, BatchNorm, ReLU, then a t×1×1 convolution, BatchNorm, ReLU.

    (N, in_channels, T, H, W) → (N, out_channels, T', H', W'), as nn.Conv3d of this kernel, stride and padding gives;
    the kernel is square in space. The width in between is the paper's M. With `first_conv` it is the stem, whose kernel
    (1, 7, 7) becomes 1×7×7 and then 3×1×1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        bias: bool = False,
        first_conv: bool = False,
    ):
        super().__init__()
        triples = ((n, n, n) if isinstance(n, int) else n for n in (kernel_size, stride, padding))
        (t, d, d_width), (st, sh, sw), (pt, ph, pw) = triples
        if d != d_width:
            raise InputError(f"kernel_size is {kernel_size}; it must be square in space, such as (3, 7, 7)")
        mid = midplanes(in_channels, out_channels, t, d)
        if first_conv:
            t, pt = 3, 1
            # Quirk: a literal. The listing's comment derives 45 from the paper's formula, which gives 83.
            mid = STEM_MIDPLANES
        self.spatial_conv = Conv(in_channels, mid, (1, d, d), (1, sh, sw), (0, ph, pw), bias)
        self.bn1 = nn.BatchNorm3d(mid)
        self.temporal_conv = Conv(mid, out_channels, (t, 1, 1), (st, 1, 1), (pt, 0, 0), bias)
        self.bn2 = nn.BatchNorm3d(out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, in_channels, T, H, W) in space, then in time."""
        x = self.relu(self.bn1(self.spatial_conv(x)))
        # Quirk: BatchNorm and ReLU here, although a block adds its own after this convolution. Only the stem, which
        # no block follows, needs these.
        return self.relu(self.bn2(self.temporal_conv(x)))


class SpatioTemporalResBlock(nn.Module):
    """A residual block of two SpatioTemporalConv: (N, C_in, T, H, W) → (N, C_out, T/s, H/s, W/s).

    s is 2 with `downsample`, else 1; `kernel_size` is an odd int.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, downsample: bool = False):
        super().__init__()
        padding, stride = kernel_size // 2, 2 if downsample else 1
        self.downsample = downsample
        if downsample:
            # Quirk: the paper's shortcut is one linear 1×1×1 convolution. This one is factorised too, so it has two
            # ReLUs, and its middle, 42, 85 or 170 channels, is narrower than the 64, 128 or 256 that enter it.
            self.downsampleconv = SpatioTemporalConv(in_channels, out_channels, 1, stride)
            self.downsamplebn = nn.BatchNorm3d(out_channels)
        self.conv1 = SpatioTemporalConv(in_channels, out_channels, kernel_size, stride, padding)
        self.bn1 = nn.BatchNorm3d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = SpatioTemporalConv(out_channels, out_channels, kernel_size, padding=padding)
        self.bn2 = nn.BatchNorm3d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (N, C_in, T, H, W)."""
        # Quirk: each convolution has just ended in BatchNorm and ReLU, so both run twice in a row after conv1, and
        # what conv2 adds to the shortcut was rectified before its last BatchNorm.
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        if self.downsample:
            x = self.downsamplebn(self.downsampleconv(x))
        return self.relu(x + residual)


class SpatioTemporalResLayer(nn.Module):
    """A group of `layer_size` residual blocks; the first halves time and space where `downsample` says so."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, layer_size: int, block_type, downsample=False
    ):
        super().__init__()
        self.block1 = block_type(in_channels, out_channels, kernel_size, downsample)
        others = (block_type(out_channels, out_channels, kernel_size) for _ in range(layer_size - 1))
        self.blocks = nn.ModuleList(others)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (N, in_channels, T, H, W) block by block."""
        x = self.block1(x)
        for block in self.blocks:
            x = block(x)
        return x


class R2Plus1DNet(nn.Module):
    """The features: (N, 3, T, H, W) clips → (N, 512), from groups of so many residual blocks as `layer_sizes` says."""

    def __init__(self, layer_sizes: Sequence[int], block_type: type[nn.Module] = SpatioTemporalResBlock):
        super().__init__()
        if len(layer_sizes) != 4:
            raise InputError(f"layer_sizes is {layer_sizes!r}; it must give the blocks of four groups")
        check_counts(**{f"layer_sizes[{i}]": size for i, size in enumerate(layer_sizes)})
        two, three, four, five = layer_sizes
        self.conv1 = SpatioTemporalConv(3, 64, (1, 7, 7), (1, 2, 2), (0, 3, 3), first_conv=True)
        self.conv2 = SpatioTemporalResLayer(64, 64, 3, two, block_type)
        self.conv3 = SpatioTemporalResLayer(64, 128, 3, three, block_type, downsample=True)
        self.conv4 = SpatioTemporalResLayer(128, 256, 3, four, block_type, downsample=True)
        self.conv5 = SpatioTemporalResLayer(256, 512, 3, five, block_type, downsample=True)
        self.pool = nn.AdaptiveAvgPool3d(1)

    def forward(self, x: Tensor) -> Tensor:
        """Describe clips (N, 3, T, H, W) by 512 numbers each."""
        x = self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))
        return self.pool(x).flatten(1)


class R2Plus1DClassifier(nn.Module):
    """The article's classifier: (N, 3, T, H, W) clips → (N, num_classes) logits.

    Args:
        layer_sizes: residual blocks in each of the four groups, such as (2, 2, 2, 2).
        block_type: the block to build the groups from, called as SpatioTemporalResBlock is.
        pretrained: False, or the path of a checkpoint trained with this listing. In the article the flag only
            prints the names of the weights; here the file is loaded.

    Raises:
        InputError: a number, checkpoint or, when called, a clip that will not do; pretrained=True.
    """

    def __init__(
        self,
        num_classes: int,
        layer_sizes: Sequence[int],
        block_type: type[nn.Module] = SpatioTemporalResBlock,
        pretrained: bool | str | os.PathLike = False,
    ):
        super().__init__()
        check_counts(num_classes=num_classes)
        self.res2plus1d = R2Plus1DNet(layer_sizes, block_type)
        self.linear = nn.Linear(512, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight)
        if pretrained is not False:
            if not isinstance(pretrained, str | os.PathLike):
                raise InputError(
                    f"pretrained is {pretrained!r}, but neither the article nor the repositories it comes from publish"
                    " weights of this network: give False, or the path of a checkpoint that was trained with it"
                )
            load_weights(self, read_weights(pretrained))

    def forward(self, x: Tensor) -> Tensor:
        """Classify a batch of clips (N, 3, T, H, W)."""
        check_clips(x)
        return self.linear(self.res2plus1d(x))


def get_1x_lr_params(model: R2Plus1DClassifier) -> Iterator[nn.Parameter]:
    """The trainable parameters of everything but the classifier, for the learning rate itself."""
    return (p for p in model.res2plus1d.parameters() if p.requires_grad)


def get_10x_lr_params(model: R2Plus1DClassifier) -> Iterator[nn.Parameter]:
    """The trainable parameters of the classifier, for ten times the learning rate."""
    return (p for p in model.linear.parameters() if p.requires_grad)


def blog_r2plus1d(depth: int = 18, num_classes: int = 400) -> R2Plus1DClassifier:
    """Build the article's network by depth, 10, 18 or 34, as the FAMILY's networks are built."""
    check_choice(depth, DEPTHS, "depth")
    return R2Plus1DClassifier(num_classes, DEPTHS[depth])
