"""Small networks whose every number is random, and what it takes to compare them."""

import torch

from r2p1d_edu.networks.family import create_network

TINY = {"depth": 10, "width": 4, "num_classes": 5}


def tiny(name="r2plus1d", **options):
    return create_network(name, **{**TINY, **options})


def scramble(network, seed=0):
    """Random numbers in every tensor, BatchNorm statistics included, so that none can be left out unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
            fan_in = max(1, tensor[0].numel()) if tensor.ndim > 1 else 4
            tensor.copy_(1 + 0.5 * noise.tanh() if "running_var" in name else noise / fan_in**0.5)
        else:
            tensor.fill_(seed + 7)
    return network


def same(first, second):
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items()) and len(first) == len(second)


def snapshot(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
