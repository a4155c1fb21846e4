"""From the features of T frames to one vector for the clip: three ways to end f-R2D.

The paper's f-R2D averages (section 3.1): the frames may come in any order. The article also names a temporal network
over the frame features; "gru" and "conv" are two such networks, and both do see the order.
"""

from torch import Tensor, nn

from r2p1d_edu.networks.convolutions import Conv


class GRUFusion(nn.Module):
    """A gated recurrent unit reads the frames in order; its last state is the clip's: (N, C, T, 1, 1) → (N, C)."""

    def __init__(self, channels: int):
        super().__init__()
        self.gru = nn.GRU(channels, channels, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Read (N, C, T, 1, 1) frame by frame."""
        outputs, _ = self.gru(x.flatten(2).transpose(1, 2))  # (N, T, C)
        return outputs[:, -1]


class ConvFusion(nn.Module):
    """A convolution over time, 3 frames wide, then the average: (N, C, T, 1, 1) → (N, C, 1, 1, 1)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = Conv(channels, channels, (3, 1, 1))
        self.norm = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool3d(1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, 1, 1) over time and average."""
        return self.avgpool(self.relu(self.norm(self.conv(x))))


FUSIONS = {"pool": nn.Identity, "gru": GRUFusion, "conv": ConvFusion}  # "pool": the pool before averages over time too
