"""What looks at the answers of lesson 07."""

import torch
from exercises.hints import named, right, wants
from torch import nn

from r2p1d_edu import midplanes
from r2p1d_edu.lab.checks import Panel, check_answer, check_that, judged
from r2p1d_edu.networks.convolutions import Pseudo3D

X = torch.randn(2, 8, 3, 5, 5, generator=torch.Generator().manual_seed(0))  # (N, C, T, H, W)


def exercise_1(cycle) -> Panel:
    """The letters of P3D's groups."""
    checks = []
    for name, blocks in (("P3D-63", (3, 4, 6)), ("P3D-131", (3, 4, 23)), ("P3D-199", (3, 8, 36))):
        letters = "ABC" * sum(blocks)
        starts = [sum(blocks[:k]) for k in range(3)]
        truth = [letters[start : start + count] for start, count in zip(starts, blocks, strict=True)]
        usual = {
            tuple(letters[:count] for count in blocks): "the cycle does not start again at a new group",
            "".join(truth): "one text for each group, in a list",
        }
        look = right(truth, usual, "a list of texts: A, B, C in turn, as many letters as blocks")
        checks.append(judged(name, lambda blocks=blocks: cycle(blocks), look, ""))
    return Panel("Exercise 1", checks)


def exercise_2(unit) -> Panel:
    """P3D's units from PyTorch's layers, beside the package's with the same weights."""

    def built(form: str) -> nn.Module:
        torch.manual_seed(0)
        module = unit(8, form).eval()
        module(X)  # what is not written yet says so here
        return module

    def convs(module: nn.Module) -> dict:
        return {m.kernel_size: m for m in module.modules() if isinstance(m, nn.Conv3d)}

    def seen(form: str) -> int:
        x = torch.randn(1, 8, 5, 5, 5, requires_grad=True)
        built(form)(x)[0, :, 2, 2, 2].sum().backward()
        return int((x.grad.abs().sum((0, 1)) > 0).sum())

    def equal(form: str) -> tuple[bool, str]:
        mine, theirs = built(form), Pseudo3D(8, 8, form=form).eval()
        for kernel, conv in convs(theirs).items():
            conv.weight.data = convs(mine)[kernel].weight.data.clone()
        released = Pseudo3D(8, 8, form=form, convention="released").eval()
        released.load_state_dict(theirs.state_dict())
        S, T, came = theirs.spatial, theirs.temporal, mine(X)
        s, bare, flat = S(X), T(X if form == "B" else S(X)), S[:-1](X)  # flat: without its ReLU
        others = {
            "a ReLU behind T, too": {"A": bare, "B": s + bare, "C": s + bare}[form],
            "a ReLU behind S, too": {"A": T(flat).relu(), "B": flat + T(X).relu(), "C": flat + T(flat).relu()}[form],
            "that is A": T(s).relu(),
            "that is B": s + T(X).relu(),
            "that is C": s + T(s).relu(),
            "the sum, not the average": theirs(X) / 2,
            "that is the released network's: here each path has its ReLU before the sum": released(X),
        }
        if torch.allclose(came, theirs(X), atol=1e-5):
            return True, ""
        hints = [hint for hint, other in others.items() if torch.allclose(came, other, atol=1e-5)]
        return False, hints[0] if hints else "look at the three equations, and at BatchNorm and ReLU behind S and T"

    checks = [
        judged("shape", lambda: tuple(built("A")(X).shape), wants(tuple(X.shape)), "pad each kernel by half of it"),
        judged("kernels", lambda: sorted(convs(built("A"))), wants([(1, 3, 3), (3, 1, 1)]), "1×3×3 and 3×1×1"),
        check_that("no bias", lambda: all(m.bias is None for m in convs(built("A")).values()), "bias=False"),
    ]
    for form, places in zip("ABC", (27, 11, 27), strict=True):
        checks.append(judged(f"{form}: places seen", lambda form=form: seen(form), wants(places), "see the equations"))
        checks.append(judged(f"{form}: equal numbers", lambda form=form: equal(form), lambda told: told, ""))
    return Panel("Exercise 2", checks)


def exercise_3(released_c) -> Panel:
    """C as the authors released it."""
    unit = Pseudo3D(8, 8, form="C", convention="released").eval()
    S, T = unit.spatial, unit.temporal
    s, t = S(X), T(S(X))
    usual = {
        "halve the sum": (s + t).relu(),
        "the second ReLU comes after the sum": (s + t.relu()) / 2,
        "that is the equation: here the paths are averaged, and the ReLU comes last": s + t.relu(),
        "a ReLU at the end": (s + t) / 2,
        "that averages S and T side by side, as B: T is to look at S(x)": ((s + T(X)) / 2).relu(),
    }

    def look(came: object) -> tuple[bool, str]:
        if not isinstance(came, torch.Tensor) or came.shape != X.shape:
            return False, f"expected a tensor of shape {tuple(X.shape)}"
        if torch.allclose(came, unit(X), atol=1e-6):
            return True, ""
        found = [hint for hint, other in usual.items() if torch.allclose(came, other, atol=1e-6)]
        return False, found[0] if found else "relu((s + t) / 2), where t looks at s"

    return Panel("Exercise 3", [judged("equals the released network's", lambda: released_c(S, T, X), look, "")])


def exercise_4(wide) -> Panel:
    """The M with which P3D-A costs what 3×3×3 does."""
    usual = {64: "then the pair has 4/9 of the weights", 230: "that is M from 64 to 128", 192: "T has 3·M·64, too"}
    hint = named(wide, usual, "9·64·M + 3·M·64 = 27·64·64")
    return Panel("Exercise 4", [check_answer("M", wide, midplanes(64, 64), hint)])
