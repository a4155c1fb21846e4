"""account(network, clip): what every layer of a network costs, without computing anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from r2p1d_edu.cost.report import Account, Shape, times
from r2p1d_edu.cost.rules import PIXEL, blank
from r2p1d_edu.cost.walk import Walk, mark
from r2p1d_edu.errors import InputError, check_shape, failure

WALKERS = {str(path) for path in Path(__file__).parent.glob("*.py")}


def account(network: nn.Module, clip: Shape = (3, 16, 112, 112)) -> Account:
    """What the network costs for one clip: parameters, multiply-adds, activations and receptive field, layer by layer.

    The network's own forward runs once, on a clip that has a shape and no numbers, so that it takes milliseconds at any
    size (walk.py says how). The network is left as it was; no other thread may use it meanwhile.

    Args:
        network: any nn.Module that maps one tensor of clips (N, C, T, H, W) to something; on any device.
        clip: (C, T, H, W) of one clip.

    Returns:
        An Account; it prints and displays itself. One MAC is one multiply-add; convolutions, linear and recurrent
        layers count, BatchNorm and all else is 0 by convention, as in the published tables (VMZ, torchvision). fvcore
        has the same unit, but also counts BatchNorm unless it is told not to.

    Raises:
        InputError: `clip` is not four whole numbers of 1 or more, the network cannot take it, or its own code fails.
    """
    shape = check_shape(clip, "clip is")
    with restore_state(network, training=False):
        walk, start = Walk(network), blank(1, *shape)
        mark(start, PIXEL)
        with torch.no_grad(), walk, as_input_error(network, shape):
            network(start)
    return Account(type(network).__name__, shape, (*walk.rows, *walk.uncounted(network)))


@contextmanager
def as_input_error(network: nn.Module, clip: Shape) -> Iterator[None]:
    """Turn any failure of the network's forward into an InputError of one line; its own InputErrors pass.

    A failure in code that is not PyTorch's or this package's walk is named as what it is: that code's.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        name, size, (reason, line) = type(network).__name__, times(clip), failure(error, WALKERS)
        if line:
            raise InputError(f"the code of {name} failed on a clip of {size} in the line `{line}`: {reason}") from error
        raise InputError(f"{name} cannot take a clip of {size}: {reason}") from error


@contextmanager
def restore_state(network: nn.Module, training: bool) -> Iterator[None]:
    """Inside, every module is in the given mode and has no hooks; afterwards the network is as it was."""
    if not isinstance(network, nn.Module):
        raise InputError(f"a network is a torch.nn.Module; got {type(network).__name__}")
    states = [(vars(m), m._parameters, m._buffers, m._modules) for m in network.modules()]
    copies = [(entries, dict(entries)) for state in states for entries in state]
    try:
        for module in network.modules():
            vars(module).update(training=training, _forward_hooks={}, _forward_pre_hooks={})
        yield
    finally:
        for entries, copy in copies:
            entries.update(copy)  # first, so that an interrupt leaves nothing out
            for key in entries.keys() - copy.keys():
                del entries[key]
