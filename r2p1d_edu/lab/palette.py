"""One fixed look per network, the same in every figure of the course: a colour, a dash and a marker.

Relatives share a colour and differ in dash and marker, so no comparison rests on colour alone. The colours are from
Okabe and Ito, "Color Universal Design" (2008); their yellow is too faint on white to be used at all, and orange and
sky blue are left to networks that are seldom the main thing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

BLACK, BLUE, GREEN, PURPLE, VERMILLION = "#000000", "#0072B2", "#009E73", "#CC79A7", "#D55E00"
SKY_BLUE, ORANGE = "#56B4E9", "#E69F00"
GREY = "#767676"  # not theirs: for what has no place in the table

# A dash as SVG's stroke-dasharray, in pixels for a line LINE_WIDTH pixels wide; "" is a solid line.
LINE_WIDTH = 2.5
SOLID, DASHED, DOTTED, DASH_DOT, DASH_DOT_DOT, LONG = "", "9 4", "3 3", "10 3 3 3", "10 3 3 3 3 3", "18 5"
DASHES = (SOLID, DASHED, DOTTED, DASH_DOT, DASH_DOT_DOT, LONG)


@dataclass(frozen=True)
class Style:
    """How a network is drawn: `color` as #RRGGBB, `dash` as in SVG, `marker` by its matplotlib letter."""

    color: str
    dash: str
    marker: str

    @property
    def linestyle(self) -> str | tuple:
        """The dash for matplotlib, which counts it in line widths: plot(x, y, linestyle=look.linestyle)."""
        return (0, tuple(float(length) / LINE_WIDTH for length in self.dash.split())) if self.dash else "-"


NETWORKS = {
    # name           title           colour      dash          marker: ^ s p have as many corners as x in MCx
    "r2d":          ("R2D",          BLACK,      LONG,         "s"),
    "f_r2d":        ("f-R2D",        BLACK,      DOTTED,       "o"),
    "r3d":          ("R3D",          BLUE,       LONG,         "s"),
    "mc2":          ("MC2",          GREEN,      DOTTED,       "o"),
    "mc3":          ("MC3",          GREEN,      DASH_DOT,     "^"),
    "mc4":          ("MC4",          GREEN,      DASHED,       "s"),
    "mc5":          ("MC5",          GREEN,      LONG,         "p"),
    "rmc2":         ("rMC2",         PURPLE,     DOTTED,       "o"),
    "rmc3":         ("rMC3",         PURPLE,     DASH_DOT_DOT, "v"),
    "rmc4":         ("rMC4",         PURPLE,     DASHED,       "D"),
    "rmc5":         ("rMC5",         PURPLE,     LONG,         "p"),
    "r2plus1d":     ("R(2+1)D",      VERMILLION, SOLID,        "P"),
    "blog_r2plus1d": ("blog R(2+1)D", VERMILLION, DOTTED,      "X"),
    "p3d63":        ("P3D-63",       SKY_BLUE,   DASHED,       "^"),
    "p3d131":       ("P3D-131",      SKY_BLUE,   SOLID,        "D"),
    "p3d199":       ("P3D-199",      SKY_BLUE,   DASH_DOT,     "p"),
    "p3d_in_r3d":   ("P3D in R3D",   ORANGE,     LONG,         "o"),
    "p3d_a_in_r3d": ("P3D-A in R3D", ORANGE,     DASHED,       "^"),
    "p3d_b_in_r3d": ("P3D-B in R3D", ORANGE,     DOTTED,       "s"),
    "p3d_c_in_r3d": ("P3D-C in R3D", ORANGE,     DASH_DOT,     "p"),
    "c3d":          ("C3D",          BLUE,       DOTTED,       "v"),
}  # fmt: skip

FALLBACK = Style(GREY, DASHED, "*")  # a learner's own row of kinds, or any other name


def style(name: str | Sequence[str]) -> Style:
    """The look of a network. What is not in NETWORKS, such as a learner's own row, gets FALLBACK."""
    return Style(*NETWORKS[name][1:]) if isinstance(name, str) and name in NETWORKS else FALLBACK


def styles(names: Sequence[str | Sequence[str]]) -> list[Style]:
    """The look of each network in one figure; where a look comes again, its dash becomes another one.

    >>> [look.dash for look in styles(["r2plus1d", "r2plus1d"])]
    ['', '9 4']
    """
    fixed = [style(name) for name in names]
    return [
        replace(look, dash=DASHES[(DASHES.index(look.dash) + fixed[:place].count(look)) % len(DASHES)])
        for place, look in enumerate(fixed)
    ]


def title(name: str | Sequence[str]) -> str:
    """The name as the papers print it; an own row of kinds is joined by dashes.

    >>> title("r2plus1d"), title(("3d", "3d", "2d", "2d", "2d"))
    ('R(2+1)D', '3d-3d-2d-2d-2d')
    """
    return NETWORKS.get(name, (name,))[0] if isinstance(name, str) else "-".join(name)


def _star(corners: int, turn: float, waist: float | None = None) -> str:
    """SVG path of a regular polygon of radius 1, its first corner `turn` degrees clockwise from the top.

    With `waist`, a radius, a corner is drawn in between every two.
    """
    radii = (1.0,) if waist is None else (1.0, waist)
    angles = [math.radians(turn + 360 * k / corners / len(radii)) for k in range(corners * len(radii))]
    points = [(radii[k % len(radii)] * math.sin(a), -radii[k % len(radii)] * math.cos(a)) for k, a in enumerate(angles)]
    return "M" + "L".join(f"{x:.2f},{y:.2f}" for x, y in points) + "Z"


_PLUS = "M-.35,-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z"
_CROSS = "M-.95,-.47L-.47,-.95L0,-.47L.47,-.95L.95,-.47L.47,0L.95,.47L.47,.95L0,.47L-.47,.95L-.95,.47L-.47,0Z"

# What matplotlib's markers look like, as SVG paths in a circle of radius 1.
MARKER_PATHS = {
    "o": "M-.85,0A.85,.85 0 1,0 .85,0A.85,.85 0 1,0 -.85,0Z",
    "^": _star(3, 0),
    "v": _star(3, 180),
    "s": _star(4, 45),
    "D": _star(4, 0),
    "p": _star(5, 0),
    "*": _star(5, 0, waist=0.4),
    "P": _PLUS,
    "X": _CROSS,
}
