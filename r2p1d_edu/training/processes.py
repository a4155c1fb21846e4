"""What several processes must do together, so that they learn what one would that had all their clips."""

import torch
from torch import Tensor, nn
from torch.distributed import all_reduce


class Sum(torch.autograd.Function):
    """The sum over all processes, which each of them gets; going back, so are the gradients of it summed."""

    @staticmethod
    def forward(_, x: Tensor) -> Tensor:
        """Add up tensors of any shape."""
        x = x.clone()
        all_reduce(x)
        return x

    @staticmethod
    def backward(_, gradient: Tensor) -> Tensor:
        """What every process wants of this one's part."""
        return Sum.forward(_, gradient)


class SharedBatchNorm(nn.BatchNorm3d):
    """BatchNorm3d over the clips of all processes, (N, C, T, H, W).

    PyTorch's SyncBatchNorm does the same, but refuses to on a CPU, where tests hold this one to a single process.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise in training by the statistics of all processes, otherwise by the running ones."""
        if not self.training or x.is_meta:
            return super().forward(x)
        var, mean = torch.var_mean(x.float(), (0, 2, 3, 4), correction=0)
        count = torch.tensor(float(x.numel() // x.shape[1]), device=x.device)
        total = Sum.apply(count)
        centre = Sum.apply(count / total * mean)
        spread = Sum.apply(count / total * (var + (mean - centre) ** 2))
        with torch.no_grad():
            self.running_mean.lerp_(centre, self.momentum)
            self.running_var.lerp_(spread * total / (total - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (spread + self.eps).rsqrt()
        shift = self.bias - centre * scale
        return (x * scale.view(-1, 1, 1, 1) + shift.view(-1, 1, 1, 1)).to(x.dtype)


def share_batch_norm(network: nn.Module) -> None:
    """Have each BatchNorm3d of the network look at the clips of all processes; its state stays what it was."""
    for module in network.modules():
        if type(module) is nn.BatchNorm3d:
            module.__class__ = SharedBatchNorm
