"""The grid of lesson 12: which networks are trained for which claim, as a table, and how. `make experiments` trains it.

The claims are those of Tran et al., CVPR 2018, section 4, as the article retells them, at a size that a laptop can
train. All setups are alike but for what their claim varies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from r2p1d_edu.cost.matching import midplanes
from r2p1d_edu.errors import check_choice
from r2p1d_edu.training.recipe import Recipe

SEEDS = (0, 1, 2)
WIDTH = 16
STEM_BY_FORMULA = midplanes(3, WIDTH, t=3, d=7)  # at width 64 the formula gives 83 where 45 was released
MC3_AS_LARGE_AS_R3D = 27  # the width whose MC3 comes closest to R3D in parameters; a test holds it
PUSHUPS = ("HandstandPushups", "JumpingJack", "PushUps", "WallPushups")  # four classes that look alike
ARROW = {"size": 32, "epochs": 6, "learning_rate": 5e-3, "clips_per_video": 2}
UCF101 = {"size": 56, "epochs": 24, "clips_per_video": 10, "classes": PUSHUPS}  # the plain recipe of `train`


@dataclass(frozen=True)
class Setup:
    """One network on one dataset: "arrow-16" (16 frames a video), "arrow-36", "ucf101" or "ucf101 leaky"."""

    network: str = "r2plus1d"
    depth: int = 10
    width: int = WIDTH
    frames: int = 8
    options: dict = field(default_factory=dict)
    data: str = "arrow-16"

    @property
    def title(self) -> str:
        """What tells this setup from the others: "r2plus1d, depth 18, 8 frames of arrow-16"."""
        changed = [f"{name} {value}" for name, value in self.options.items()]
        if self.width != WIDTH:
            changed.insert(0, f"width {self.width}")
        return ", ".join([self.network, f"depth {self.depth}", *changed, f"{self.frames} frames of {self.data}"])


def each(networks: Iterable[str], **values) -> list[Setup]:
    """The same setup for several networks."""
    return [Setup(network, **values) for network in networks]


CLAIMS: dict[str, list[Setup]] = {
    # 1. Networks that see time beat 2D ones, and more so with more frames.
    "dimensions": [
        *each(("f_r2d", "r2d", "r3d", "mc3", "rmc3", "r2plus1d")),
        *each(("f_r2d", "r2d", "r3d", "mc3", "rmc3", "r2plus1d"), frames=16),
    ],
    # 2. R(2+1)D beats R3D and the mixed networks, and has the lower training loss.
    "factorisation": [
        *each(("r3d", "mc2", "mc3", "mc4", "mc5", "rmc2", "rmc3", "rmc4", "rmc5", "r2plus1d")),
        Setup("mc3", width=MC3_AS_LARGE_AS_R3D),
    ],
    # 3. Longer clips help.
    "clip length": [Setup(frames=frames, data="arrow-36") for frames in (4, 8, 16, 32)],
    # 4. The deeper, the greater R(2+1)D's lead over R3D.
    "depth": [Setup(network, depth=depth) for depth in (10, 18, 34) for network in ("r3d", "r2plus1d")],
    # What neither the paper nor the article shows.
    "stem": [Setup(), Setup(options={"stem_midplanes": STEM_BY_FORMULA})],
    "relu": [Setup("r3d"), Setup(), Setup(options={"relu_between": False})],
    "leakage": [Setup(data="ucf101"), Setup(data="ucf101 leaky")],
}


def setups_of(claims: Sequence[str] = ()) -> list[Setup]:
    """The setups of these claims, or of all, each once."""
    for claim in claims:
        check_choice(claim, CLAIMS, "claim")
    return list({setup.title: setup for claim in claims or CLAIMS for setup in CLAIMS[claim]}.values())


def make_recipe(setup: Setup, seed: int, data: Path, ucf101: Path) -> Recipe:
    """The training recipe of a setup. Nothing is held out: the grid compares networks and chooses none."""
    options = {"depth": setup.depth, "width": setup.width} | setup.options
    common = {"network": setup.network, "options": options, "frames": setup.frames, "seed": seed, "validation": 0}
    if setup.data.startswith("ucf101"):
        return Recipe(ucf101 / "videos", **common, **UCF101)
    return Recipe(data / setup.data / "videos", **common, **ARROW)
