"""The network of a recipe, with weights that its seed decides and nothing else."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from r2p1d_edu.networks.family import create_network, network_options
from r2p1d_edu.training.recipe import Recipe
from r2p1d_edu.video.clips import differences

# All that draws random numbers while a network is built or trained, but for dropout, which takes no generator.
DRAWING = {Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_}


def build_network(recipe: Recipe, num_classes: int) -> nn.Module:
    """A fresh network with random weights: (N, 3, T, H, W) → (N, num_classes).

    Raises:
        InputError: a network or option that does not exist.
    """
    given = {"num_classes": num_classes, "frames": recipe.frames, "size": recipe.size}
    taken = network_options(recipe.network)
    fitting = {name: value for name, value in given.items() if name in taken}
    with OwnRandom() as random:
        random.seed(recipe.seed)
        network = create_network(recipe.network, **fitting, **recipe.options)
    if recipe.differences:  # before the network and not in it: whoever calls it gives it clips, as always
        network.register_forward_pre_hook(take_differences)
    return network.to(memory_format=torch.channels_last_3d)


def take_differences(network: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """A forward pre-hook: the network is given the differences of the clips that it is called with."""
    return differences(*inputs)


def sees_differences(network: nn.Module) -> bool:
    """Whether the network was built to see differences of frames."""
    return take_differences in network._forward_pre_hooks.values()


class OwnRandom(TorchFunctionMode):
    """with OwnRandom(): weights and dropout are drawn from a generator of its own.

    PyTorch's global generator is shared by all threads. It is neither set nor read here, so training in the background
    and a cell of a notebook do not disturb each other. The numbers are those that the global one would have given.
    """

    def __init__(self, device: str | torch.device = "cpu"):
        super().__init__()
        self.generator = torch.Generator(device)

    def seed(self, seed: int) -> None:
        """Begin the numbers of this seed."""
        self.generator.manual_seed(seed)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Give each function that draws the generator; all others run as they are."""
        kwargs = kwargs or {}
        if function is F.dropout:
            return self.dropout(*args, **kwargs)
        if function in DRAWING:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.device.type == self.generator.device.type:  # not on the meta device
                kwargs = kwargs | {"generator": self.generator}
        return function(*args, **kwargs)

    def dropout(self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        """F.dropout, written out."""
        if not training or p == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - p, generator=self.generator)
        return x * kept.div_(1 - p)
