"""The design as data: which networks are trained on what, and the claims that are judged. README.md gives the reasons.

The claims are those of Tran et al., CVPR 2018, section 4, as the article retells them, at a size that a laptop can
train. All setups of a claim are alike but for what it varies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from r2p1d_edu.errors import check_choice
from r2p1d_edu.training.recipe import Recipe

PILOT_SEED = 1000  # of the runs that only choose a learning rate
WIDTH = 16
STEPS = 900  # of 16 clips
BATCH, SIZE, WEIGHT_DECAY, PRECISION = 16, 32, 0.05, "32"
SMALLEST = {"accuracy": 2.0, "loss": 0.05, "steps": 45}  # points, nats, steps: the smallest effects of interest
UNITS = {"accuracy": "points", "loss": "nats", "steps": "steps"}


class Drawn(NamedTuple):
    """A drawn dataset: frames of a video, and the loss in nats of who knows all that one frame tells and no motion."""

    frames: int
    without_motion: float


ARROW = 0.52  # 6/8 · ln 2: guess within each of three pairs
CLUTTER = 1.0  # 5/8 · ln 5: guess which of five things a disc does
DATA = {
    "arrow": Drawn(16, ARROW),
    "arrow-long": Drawn(56, ARROW),
    "clutter": Drawn(16, CLUTTER),
    "clutter-long": Drawn(56, CLUTTER),
}
BLIND = ("f_r2d", "r2d")
FLAT = (*BLIND, "mc2")  # they see motion in their first layer, or nowhere
MIXED, REVERSED_MIXED = ("mc2", "mc3", "mc4", "mc5"), ("rmc2", "rmc3", "rmc4", "rmc5")
SEEING = ("r3d", "mc3", "rmc3")  # what the article sets against the 2D networks


@dataclass(frozen=True)
class Setup:
    """One network trained in one way on one dataset."""

    network: str
    data: str = "arrow"
    depth: int = 10
    frames: int = 8
    steps: int = STEPS
    warm_up: float = 0.3
    options: dict = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells this setup from all others: "arrow: r2plus1d, 18 layers, 8 frames, 900 steps"."""
        words = [f"{self.data}: {self.network}"]
        words += [
            f"{getattr(self, name)} {unit}" for name, unit in (("depth", "layers"), ("frames",) * 2, ("steps",) * 2)
        ]
        words += [f"{name}={value}" for name, value in self.options.items()]
        return ", ".join(words + ([] if self.warm_up else ["no warm-up"]))

    @property
    def mark(self) -> float:
        """The mean training loss of the last eighth below which a run has converged; FLAT networks need no motion."""
        return DATA[self.data].without_motion * (1.5 if self.network in FLAT else 0.5)


class Claim(NamedTuple):
    """That a weighted sum over setups is above 0. `family`: the claims whose number the interval is corrected for."""

    family: str
    said: str
    quantity: str  # of a run: one of SMALLEST
    terms: tuple[tuple[float, Setup], ...]


def above(these: Sequence[Setup], those: Sequence[Setup]) -> tuple[tuple[float, Setup], ...]:
    """The mean of these less the mean of those."""
    return tuple([(1 / len(these), setup) for setup in these] + [(-1 / len(those), setup) for setup in those])


def minus(here, there) -> tuple[tuple[float, Setup], ...]:
    """One difference less another."""
    return (*here, *((-weight, setup) for weight, setup in there))


def each(networks: Iterable[str], **values) -> list[Setup]:
    """The same setup for several networks."""
    return [Setup(network, **values) for network in networks]


def dimensions(data: str) -> list[Claim]:
    """Conclusion 1: networks that see time beat 2D ones, and more so with more frames."""
    gaps = {
        (blind, frames): above(each(SEEING, data=data, frames=frames), [Setup(blind, data, frames=frames)])
        for blind in BLIND
        for frames in (8, 16)
    }
    names = {"f_r2d": "f-R2D", "r2d": "R2D"}
    claims = {f"R3D, MC3, rMC3 above {names[blind]}, {n} frames": gap for (blind, n), gap in gaps.items()}
    claims["the lead over f-R2D grows from 8 to 16 frames"] = minus(gaps["f_r2d", 16], gaps["f_r2d", 8])
    claims["MC2 above f-R2D, as many parameters, 8 frames"] = above([Setup("mc2", data)], [Setup("f_r2d", data)])
    return [Claim("1", said, "accuracy", terms) for said, terms in claims.items()]


def factorisation(data: str) -> list[Claim]:
    """Conclusion 2: R(2+1)D beats R3D and the mixed networks, and has the lower training loss."""
    ours, r3d = [Setup("r2plus1d", data)], [Setup("r3d", data)]
    mixed, reverse = each(MIXED, data=data), each(REVERSED_MIXED, data=data)
    linear = [replace(ours[0], options={"relu_between": False})]
    claims = [
        Claim("2", "R(2+1)D above R3D", "accuracy", above(ours, r3d)),
        Claim("2", "R(2+1)D above MC2 to MC5", "accuracy", above(ours, mixed)),
        Claim("2", "R(2+1)D above rMC2 to rMC5", "accuracy", above(ours, reverse)),
        Claim("2", "R(2+1)D has a lower training loss than R3D", "loss", above(r3d, ours)),
        Claim("2", "R(2+1)D has a lower training loss than MC2 to rMC5", "loss", above(mixed + reverse, ours)),
        Claim("2", "MC2 to MC5 above rMC2 to rMC5", "accuracy", above(mixed, reverse)),
        Claim("ReLU between", "R(2+1)D above itself without the ReLU between", "accuracy", above(ours, linear)),
        Claim("ReLU between", "the ReLU between lowers the training loss", "loss", above(linear, ours)),
    ]
    for network, name in (("r3d", "R3D"), ("rmc3", "rMC3")):
        as_long = [Setup(network, data, steps=EQUAL_TIME[network])]
        claims += [
            Claim("2, equal time", f"R(2+1)D above {name}", "accuracy", above(ours, as_long)),
            Claim("2, equal time", f"R(2+1)D has a lower training loss than {name}", "loss", above(as_long, ours)),
        ]
    return claims


# Steps that take as long as 900 of R(2+1)D: the seconds a step were measured at one thread (README.md), whole epochs.
EQUAL_TIME = {"r3d": 1350, "rmc3": 1530}
EQUAL_FRAMES = {4: 2160, 8: 1080, 16: 540, 32: 270, 48: 180}  # steps of 16 clips: 138,240 frames in each


def clip_length(data: str) -> list[Claim]:
    """Conclusion 3: longer clips help, but not too long ones."""
    lengths = sorted(EQUAL_FRAMES)
    clips = {n: [Setup("r2plus1d", data, frames=n)] for n in lengths}
    frames = {n: [Setup("r2plus1d", data, frames=n, steps=EQUAL_FRAMES[n])] for n in lengths}
    claims = []
    for less, more in pairwise(lengths):
        said = f"{more} frames above {less}"
        claims.append(Claim("3", f"{said}, equal clips", "accuracy", above(clips[more], clips[less])))
        said = f"{more} frames end with a lower training loss than {less}"
        claims.append(Claim("3, equal frames", f"{said}, equal frames", "loss", above(frames[less], frames[more])))
    return claims


def depth(data: str, **how) -> list[Claim]:
    """Conclusion 4: the deeper, the greater R(2+1)D's lead over R3D."""
    family = ", ".join(["4", *(["zero-initialised"] if "options" in how else ["no warm-up"] if how else [])])

    def pair(layers: int) -> list[list[Setup]]:
        return [[Setup(network, data, layers, **how)] for network in ("r3d", "r2plus1d")]

    claims = []
    for layers in (34,) if how else (18, 34):
        r3d, ours = pair(layers)
        said = f"R(2+1)D {{}} than R3D, {layers} layers"
        claims += [
            Claim(family, said.format("has a lower training loss"), "loss", above(r3d, ours)),
            Claim(family, said.format("passes the mark in fewer steps"), "steps", above(r3d, ours)),
        ]
    if not how:
        (r3d, ours), (deep_r3d, deep) = pair(10), pair(34)
        grows = minus(above(deep_r3d, deep), above(r3d, ours))
        claims += [
            Claim(family, "its lead in training loss grows from 10 to 34 layers", "loss", grows),
            Claim(family, "R(2+1)D above R3D, 18 layers", "accuracy", above(*pair(18)[::-1])),
        ]
    return claims


PARTS: dict[str, list[Claim]] = {  # in the order in which they are run
    "arrow-2": factorisation("arrow"),
    "arrow-4": depth("arrow"),
    "clutter-2": factorisation("clutter"),
    "clutter-4": depth("clutter"),
    "arrow-1": dimensions("arrow"),
    "clutter-1": dimensions("clutter"),
    "arrow-3": clip_length("arrow-long"),
    "clutter-3": clip_length("clutter-long"),
    "arrow-4-start": [*depth("arrow", options={"zero_init_residual": True}), *depth("arrow", warm_up=0.0)],
}


@dataclass(frozen=True)
class Design:
    """A size of the grid. `words` say how every run is trained: a row of runs.csv with other words is another one's."""

    words: str
    seeds: tuple[int, ...]
    learning_rates: tuple[float, ...]  # to choose from; one alone needs no pilots
    shorter: int = 1  # by how much every training is

    def claims(self, parts: Sequence[str] = ()) -> list[Claim]:
        """The claims of these parts of the grid, or of all."""
        for part in parts:
            check_choice(part, PARTS, "part of the grid")
        claims = [claim for part in parts or PARTS for claim in PARTS[part]]
        return [claim._replace(terms=tuple((w, self.cut(setup)) for w, setup in claim.terms)) for claim in claims]

    def setups(self, parts: Sequence[str] = ()) -> list[Setup]:
        """The setups of these parts, or of all, each once."""
        return list({setup.key: setup for claim in self.claims(parts) for _, setup in claim.terms}.values())

    def cut(self, setup: Setup) -> Setup:
        """The setup with the steps of this design."""
        return replace(setup, steps=setup.steps // self.shorter)

    def tuned_as(self, setup: Setup) -> Setup:
        """The setup whose pilots choose the learning rate: one for each network, depth and dataset."""
        return self.cut(Setup(setup.network, setup.data.removesuffix("-long"), setup.depth))


WORDS = f"1: width {WIDTH}, {SIZE}×{SIZE}, batch {BATCH}, AdamW, weight decay {WEIGHT_DECAY}, float{PRECISION}"
FULL = Design(WORDS, tuple(range(8)), (1e-3, 2e-3, 5e-3, 1e-2))
QUICK = Design(f"{WORDS}, quick", (0, 1), (5e-3,), shorter=10)  # to see that everything runs: it tells nothing


@dataclass(frozen=True)
class Trial:
    """One run to be made: a setup, a seed, a learning rate. A pilot trains and is tested within the training groups."""

    setup: Setup
    seed: int
    learning_rate: float

    @property
    def pilot(self) -> bool:
        """Whether it only helps to choose the learning rate."""
        return self.seed == PILOT_SEED

    @property
    def key(self) -> tuple[str, int, float]:
        """What the run is known by in runs.csv; a run that counts has one learning rate, which was chosen."""
        return self.setup.key, self.seed, self.learning_rate if self.pilot else 0.0


def make_recipe(trial: Trial, folder: Path, steps_per_epoch: int) -> Recipe:
    """The training recipe. float32 everywhere, so that runs of all machines can be set side by side."""
    setup = trial.setup
    return Recipe(
        folder / setup.data / "videos",
        network=setup.network,
        options={"depth": setup.depth, "width": WIDTH} | setup.options,
        frames=setup.frames,
        size=SIZE,
        epochs=max(1, round(setup.steps / steps_per_epoch)),
        batch=BATCH,
        learning_rate=trial.learning_rate,
        weight_decay=WEIGHT_DECAY,
        warm_up=setup.warm_up,
        validation=0,
        clips_per_video=-(-DATA[setup.data].frames // setup.frames),  # the fewest that cover the video
        seed=trial.seed,
        precision=PRECISION,
    )
