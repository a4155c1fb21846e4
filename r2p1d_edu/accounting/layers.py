"""account(network, clip): what every layer of a network costs, without computing anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import index

import torch
from torch import nn

from r2p1d_edu.accounting.report import Account, Shape, times
from r2p1d_edu.accounting.rules import Field, blank
from r2p1d_edu.accounting.walk import Walk
from r2p1d_edu.errors import InputError


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
        InputError: `clip` is not four whole numbers of 1 or more, or the network cannot take it.
    """
    shape = check_clip(clip)
    with left_as_it_was(network, training=False):
        walk, start = Walk(network), blank(1, *shape)
        start.field = Field()  # a pixel of the clip sees itself
        with torch.no_grad(), walk, in_one_line(network, shape):
            network(start)
    rows = (*walk.rows, *walk.uncounted(network))
    return Account(type(network).__name__, shape, rows)


def check_clip(clip: Shape) -> Shape:
    """Four whole numbers of 1 or more, as plain ints; anything else is refused."""
    try:
        sizes = tuple(index(size) for size in clip)
    except TypeError:
        sizes = ()
    if len(sizes) != 4 or min(sizes) < 1:
        raise InputError(f"clip is (C, T, H, W), four whole numbers of 1 or more; got {clip!r}")
    return sizes


@contextmanager
def in_one_line(network: nn.Module, clip: Shape) -> Iterator[None]:
    """Turn any failure of the network's forward into one InputError of one line; its own InputErrors pass."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"{type(network).__name__} cannot take a clip of {times(clip)}: {reason}") from error


@contextmanager
def left_as_it_was(network: nn.Module, training: bool) -> Iterator[None]:
    """Lend out a network: inside, every module is in the given mode and has no hooks; afterwards all is as before."""
    if not isinstance(network, nn.Module):
        raise InputError(f"a network is a torch.nn.Module; got {type(network).__name__}")
    dicts = []
    for module in network.modules():
        dicts += [vars(module), module._parameters, module._buffers, module._modules]
    copies = [dict(entries) for entries in dicts]
    try:
        for module in network.modules():
            vars(module).update(training=training, _forward_hooks={}, _forward_pre_hooks={})
        yield
    finally:
        for entries, copy in zip(dicts, copies, strict=True):
            entries.update(copy)
            for key in entries.keys() - copy.keys():
                del entries[key]
