"""The table: which network uses which kind of convolution where. This is the whole family.

Groups are the paper's (its Table 1): conv1 is the stem, conv2_x to conv5_x are the residual groups. Read a row from
left to right as a clip travels: MCx turns 2D at group x, rMCx turns 3D there.
Sources: Tran et al., CVPR 2018, section 3 and Figure 1; facebookresearch/VMZ, c2/lib/models/r3d_model.py.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.networks.blog import blog_r2plus1d
from r2p1d_edu.networks.c3d import C3D
from r2p1d_edu.networks.p3d import P3D, P3D_DEPTHS
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


# A comparison of this course's own, not published networks: P3D's units in the skeleton that the FAMILY shares, so that
# the unit is all that differs. Each replaces one 3×3×3 convolution and brings its own BatchNorm and ReLU with it.
CONTROLLED = {
    #                conv1      conv2_x  conv3_x  conv4_x  conv5_x
    "p3d_in_r3d":   ("2d",      "p3d",   "p3d",   "p3d",   "p3d"),
    "p3d_a_in_r3d": ("2d",      "p3d-a", "p3d-a", "p3d-a", "p3d-a"),
    "p3d_b_in_r3d": ("2d",      "p3d-b", "p3d-b", "p3d-b", "p3d-b"),
    "p3d_c_in_r3d": ("2d",      "p3d-c", "p3d-c", "p3d-c", "p3d-c"),
}  # fmt: skip

# Every name that create_network knows. Beside the family stand P3D, the VGG-style C3D and the article's listing.
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    **{name: partial(VideoResNet, kinds) for name, kinds in (FAMILY | CONTROLLED).items()},
    **{f"p3d{depth}": partial(P3D, depth) for depth in P3D_DEPTHS},
    "c3d": C3D,
    "blog_r2plus1d": blog_r2plus1d,
}


def create_network(name: str | Sequence[str], **options) -> nn.Module:
    """Build a network by name, or from a row of your own: create_network(("3d", "3d", "2+1d", "2d", "2d")).

    Every network maps (N, 3, T, H, W) clips to (N, num_classes) logits.

    Args:
        name: a key of BUILDERS, or five kinds of convolution (see VideoResNet).
        options: what the network takes. For a network of the FAMILY and its defaults:
            depth=18, num_classes=400, frames=16, width=64, midplanes="per_conv", fusion="pool",
            stem_midplanes=None, relu_between=True, zero_init_residual=False.

    Raises:
        InputError: an unknown name, kind, option or value, with the choices listed.
    """
    accepted = network_options(name)
    for option in options:
        if option not in accepted:
            raise InputError(f"network {name!r} takes no option {option!r}; it takes {', '.join(accepted)}")
    return builder_of(name)(**options)


def builder_of(name: str | Sequence[str]) -> Callable[..., nn.Module]:
    """What builds the network of this name or row; InputError lists the names if there is no such network."""
    if isinstance(name, Sequence) and not isinstance(name, str):
        return partial(VideoResNet, tuple(name))
    check_choice(name, BUILDERS, "network")
    return BUILDERS[name]


def network_options(name: str | Sequence[str]) -> dict[str, object]:
    """The options of create_network that this network takes, with their defaults."""
    parameters = inspect.signature(builder_of(name)).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty}
