"""C3D: the VGG of video, and the 3D baseline that the residual networks are measured against.

Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", ICCV 2015, as rebuilt with BatchNorm in
facebookresearch/VMZ, c2/lib/models/c3d_model.py, and counted in its table c2/tutorials/models.md: 38.5 GMAC and 64.9 M
parameters at 16×112×112 and 400 classes.
"""

from torch import Tensor, nn

from r2p1d_edu.errors import InputError, check_counts
from r2p1d_edu.networks.convolutions import Conv, norm_relu
from r2p1d_edu.networks.resnet import check_clips, initialise

# A stage: this many 3×3×3 convolutions of this many times `width` channels, then a max-pool.
POOLING_STAGES = ((1, 1), (1, 2), (2, 4), (2, 8), (2, 8))
HIDDEN = 64  # fc6 and fc7 have this many times `width` units: 4096 at width 64
SMALLEST = 2 ** len(POOLING_STAGES)  # five halvings leave one pixel of 32


class C3D(nn.Module):
    """C3D: (N, 3, frames, size, size) clips → (N, num_classes) logits.

    The max-pools halve space five times and time four times; none is padded, so 7×7 pixels end as 3×3. Shorter clips
    are a freedom of this course: once a single frame is left, pooling goes on in space alone. The fully connected
    layers fix the clip's size and hold 57 % of the parameters: the residual networks' global pool does away with both.
    The authors' file also gives each convolution a bias, 2,752 numbers in all, which BatchNorm cancels.

    Args:
        frames: clip length T, exactly.
        size: height and width of a frame in pixels, exactly; 32 or more.
        width: channels of the first convolution. fc6 and fc7 scale with it: 4096 units at 64.

    Raises:
        InputError: a number that will not do, or, when called, clips of another size than built for.
    """

    def __init__(self, num_classes: int = 400, frames: int = 16, size: int = 112, width: int = 64):
        super().__init__()
        check_counts(num_classes=num_classes, frames=frames, size=size, width=width)
        if size < SMALLEST:
            raise InputError(f"size is {size}; C3D halves it five times, so it must be {SMALLEST} or more")
        self.clip = (frames, size, size)
        in_channels, t, s = 3, frames, size
        for stage, (convolutions, factor) in enumerate(POOLING_STAGES, 1):
            channels, layers = factor * width, []
            for _ in range(convolutions):
                layers += [Conv(in_channels, channels, (3, 3, 3)), *norm_relu(channels)]
                in_channels = channels
            pool = (1 if stage == 1 or t == 1 else 2, 2, 2)  # the first pool keeps every frame
            self.add_module(f"conv{stage}", nn.Sequential(*layers, nn.MaxPool3d(pool)))
            t, s = t // pool[0], s // 2
        hidden = HIDDEN * width
        self.fc6 = nn.Sequential(nn.Linear(in_channels * t * s * s, hidden), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.fc7 = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.fc = nn.Linear(hidden, num_classes)
        self.apply(initialise)
        for layer in (self.fc6, self.fc7):  # hidden layers must keep the signal's size at every width
            nn.init.kaiming_normal_(layer.get_parameter("0.weight"), nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Classify a batch of clips (N, 3, frames, size, size)."""
        check_clips(x)
        if tuple(x.shape[2:]) != self.clip:
            built, got = ("×".join(map(str, sizes)) for sizes in (self.clip, x.shape[2:]))
            raise InputError(f"this C3D was built for clips of {built}; got {got}: give C3D your frames= and size=")
        x = self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))
        return self.fc(self.fc7(self.fc6(x.flatten(1))))
