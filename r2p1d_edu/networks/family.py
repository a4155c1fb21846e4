"""The table: which network uses which kind of convolution where. This is the whole family.

Groups are the paper's (its Table 1): conv1 is the stem, conv2_x to conv5_x are the residual groups. Read a row from
left to right as a clip travels: MCx turns 2D at group x, rMCx turns 3D there.
Sources: Tran et al., CVPR 2018, section 3 and Figure 1; facebookresearch/VMZ, c2/lib/models/r3d_model.py.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from r2p1d_edu.errors import InputError, choose
from r2p1d_edu.networks.resnet import VideoResNet

FAMILY = {
    #             conv1      conv2_x  conv3_x  conv4_x  conv5_x
    "r2d":       ("stacked", "2d",    "2d",    "2d",    "2d"),
    "f_r2d":     ("2d",      "2d",    "2d",    "2d",    "2d"),
    "r3d":       ("3d",      "3d",    "3d",    "3d",    "3d"),
    "mc2":       ("3d",      "2d",    "2d",    "2d",    "2d"),
    "mc3":       ("3d",      "3d",    "2d",    "2d",    "2d"),
    "mc4":       ("3d",      "3d",    "3d",    "2d",    "2d"),
    "mc5":       ("3d",      "3d",    "3d",    "3d",    "2d"),
    "rmc2":      ("2d",      "3d",    "3d",    "3d",    "3d"),
    "rmc3":      ("2d",      "2d",    "3d",    "3d",    "3d"),
    "rmc4":      ("2d",      "2d",    "2d",    "3d",    "3d"),
    "rmc5":      ("2d",      "2d",    "2d",    "2d",    "3d"),
    "r2plus1d":  ("2+1d",    "2+1d",  "2+1d",  "2+1d",  "2+1d"),
}  # fmt: skip

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    name: partial(VideoResNet, kinds) for name, kinds in FAMILY.items()
}


def create_network(name: str | Sequence[str], **options) -> nn.Module:
    """Build a network by name, or from a row of your own: create_network(("3d", "3d", "2+1d", "2d", "2d")).

    Every network maps (N, 3, T, H, W) clips to (N, num_classes) logits.

    Args:
        name: a key of BUILDERS, or five kinds of convolution (see VideoResNet).
        options: what the network takes. For a network of the FAMILY and its defaults:
            depth=18, num_classes=400, frames=16, width=64, midplanes="per_conv", fusion="pool".

    Raises:
        InputError: an unknown name, kind, option or value, with the choices listed.
    """
    if isinstance(name, str):
        choose(name, BUILDERS, "network")
        builder = BUILDERS[name]
    else:
        builder = partial(VideoResNet, tuple(name))
    accepted = [p for p in inspect.signature(builder).parameters if p != "kinds"]
    for option in options:
        if option not in accepted:
            raise InputError(f"network {name!r} takes no option {option!r}; it takes {', '.join(accepted)}")
    return builder(**options)
