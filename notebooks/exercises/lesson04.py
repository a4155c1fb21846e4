"""What looks at the answers of lesson 04."""

import torch
from exercises.hints import named

from r2p1d_edu import FAMILY, account, create_network
from r2p1d_edu.cost.report import Account
from r2p1d_edu.lab.checks import Panel, check_answer, judged, same

MIXED = [f"{way}{x}" for way in ("mc", "rmc") for x in (2, 3, 4, 5)]


def bill(row) -> Account:
    """The cost of a row for a clip of 16×112×112."""
    with torch.device("meta"):
        return account(create_network(row), (3, 16, 112, 112))


def exercise_1(row_of) -> Panel:
    """The naming rule, name by name, with the usual ways to trip."""

    def judge(name: str):
        right, other = FAMILY[name], FAMILY[name[1:] if name.startswith("r") else f"r{name}"]
        x, first, then = int(name[-1]), FAMILY[name][0], FAMILY[name][-1]

        def of(came: object) -> tuple[bool, str]:
            if not isinstance(came, (tuple, list)) or len(came) != 5:
                return False, f"expected five kinds, got {came!r}"
            if same(came, right):
                return True, " ".join(came)
            if same(came, other):
                return False, "that is its reverse"
            if same(came, (first,) * x + (then,) * (5 - x)):
                return False, f"group {x} turns itself: it is the first that has turned"
            return False, f"{came} is not right yet"

        return of

    hint = "r: 2D comes first; x is the first group that turns, conv1 is group 1"
    return Panel("Exercise 1", [judged(name, lambda n=name: row_of(n), judge(name), hint) for name in MIXED])


def exercise_2(lost) -> Panel:
    """The mixed network with 16.9 M parameters."""
    (truth,) = [name for name in MIXED if f"{bill(name).params / 1e6:.1f}" == "16.9"]
    came = lost.lower() if isinstance(lost, str) else lost
    usual = {f"r{truth}": "conv5_x is 3D in an rMCx: 25 M there alone", "mc4": "conv4_x is 3D here"}
    return Panel(
        "Exercise 2", [check_answer("16.9 M", came, truth, named(came, usual, "conv5_x is 2D, nearly all else 3D"))]
    )


def exercise_3(cheap) -> Panel:
    """A row with less work than rMC3 that still sees 16 frames."""
    if cheap is None:
        return Panel("Exercise 3", [check_answer("your row", None, 0)])
    limit = bill("rmc3").macs / 1e9

    def kinds(came: object) -> tuple[bool, str]:
        right = isinstance(came, (tuple, list)) and len(came) == 5 and all(k in ("2d", "3d") for k in came)
        return right, "" if right else f"expected five kinds of '2d' and '3d', got {came!r}"

    def work(came: float) -> tuple[bool, str]:
        return came < limit, f"{came:.2f} GMAC, rMC3 {limit:.2f}"

    def sees(came: int) -> tuple[bool, str]:
        return came >= 16, f"conv5_x sees {came} frames"

    checks = [judged("five kinds", lambda: cheap, kinds, 'such as ("2d", "2d", "3d", "3d", "3d")')]
    if checks[0].passed:
        cost = bill(tuple(cheap))
        checks += [
            judged("work", cost.macs / 1e9, work, "2D early; and is a 3D conv5_x worth its price?"),
            judged("window", cost.groups().rows[4].field[0], sees, "two 3D groups see far, the later the farther"),
        ]
    return Panel("Exercise 3", checks)


def exercise_4(saved) -> Panel:
    """What MC3 would save if its 2D groups strode in time, by building it."""
    with torch.device("meta"):
        strided = create_network("mc3")
    for group in (strided.layer2, strided.layer3, strided.layer4):
        group[0].conv1[0].stride = group[0].downsample[0].stride = (2, 2, 2)
    plain, cheaper = bill("mc3").macs, account(strided).macs
    truth = round((plain - cheaper) / 1e9, 1)
    came = round(saved, 1) if isinstance(saved, (int, float)) and abs(saved) < 1e6 else saved
    usual = {
        round(cheaper / 1e9, 1): "that is what is left; how much is saved?",
        round(1.5 * 6.58, 1): "every group halves what the group before left: 8, then 4, then 2 frames",
    }
    return Panel("Exercise 4", [check_answer("GMAC saved", came, truth, named(came, usual, "T would be 8, 4 and 2"))])
