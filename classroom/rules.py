"""What an exercise may use while it is graded, beyond Python, NumPy and PyTorch: nothing of the course but this.

A submission runs where the package's names are stand-ins, so that no function of the course can answer an exercise.
`lent` names what is there all the same: a constant, or a function that is computed outside, for that exercise alone.
`package` names the exercises that run with the whole package.
"""

from dataclasses import dataclass, field
from pathlib import Path

CONSTANTS = ["r2p1d_edu.video.clips:MEAN", "r2p1d_edu.video.clips:STD"]
GROUP_OF = ["r2p1d_edu.video.ucf101:group_of"]
COUNTERS = ("torchinfo", "fvcore", "torchvision", "ptflops", "torch/utils/flop_counter.py")  # in site-packages
EVERY = "*"


@dataclass(frozen=True)
class Rules:
    """{exercise: what it may use}; "*" stands for all exercises."""

    lent: dict[str, list[str]] = field(default_factory=dict)
    package: frozenset[str] = frozenset()

    def with_package(self, exercise: str) -> bool:
        """Whether an exercise runs with the whole package."""
        return bool(self.package & {exercise, EVERY})

    def lent_to(self, exercise: str) -> list[str]:
        """The names that an exercise may use."""
        return [*self.lent.get(EVERY, []), *self.lent.get(exercise, [])]


RULES = {
    "ps1": Rules(lent={EVERY: CONSTANTS}),
    "ps2": Rules(),
    "ps3": Rules(
        lent={"group_cost": ["conv_bill"], "network_cost": ["group_bill"]}, package=frozenset({"dominant_groups"})
    ),
    "ps4": Rules(lent={"group_split": GROUP_OF, "leak": GROUP_OF}),
    "ps5": Rules(package=frozenset({EVERY})),
}


def counters(site_packages: Path) -> list[str]:
    """Where the libraries lie that would count for a student."""
    return [str(site_packages / name) for name in (*COUNTERS, "r2p1d_edu")]
