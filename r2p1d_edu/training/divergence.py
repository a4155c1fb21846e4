"""What happens when a loss or a gradient is not finite: go back to the last finite network, and say where it broke."""

from torch import nn

from r2p1d_edu.errors import Diverged


class NotFinite(ArithmeticError):
    """A step whose loss or gradient is not finite, with the row that it would have been; nothing was learnt from it."""

    def __init__(self, row: dict):
        super().__init__(row)
        self.row = row


class Snapshot:
    """A network's numbers, kept to go back to."""

    def __init__(self, network: nn.Module):
        self.now = list(network.state_dict().values())
        self.kept = [tensor.clone() for tensor in self.now]

    def keep(self) -> None:
        """Keep the numbers as they are now."""
        for kept, now in zip(self.kept, self.now, strict=True):
            kept.copy_(now)

    def restore(self) -> None:
        """Give the network back what was kept."""
        for kept, now in zip(self.kept, self.now, strict=True):
            now.copy_(kept)


def first_not_finite(network: nn.Module) -> str:
    """The layer whose gradient was the first not to be finite, in the order of the backward pass; or "none"."""
    for name, parameter in reversed(list(network.named_parameters())):
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            return name.rpartition(".")[0]
    return "none"


def diverged(row: dict, layer: str, precision: str) -> Diverged:
    """The error that ends a run, in words."""
    return Diverged(
        f"step {row['step']}: the loss is {row['loss']:g} and the first gradient that is not finite is that of {layer} "
        f"(learning rate {row['learning_rate']:.3g}, precision {precision}); training stopped, and the network is "
        f"the last one that was finite. Try a smaller learning rate"
    )
