"""The lessons' exercises: every solution passes, a stub is not answered yet, and usual mistakes are named."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import numpy
import pytest
import torch

from r2p1d_edu import FAMILY

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))
LESSONS = sorted(path.stem for path in (NOTEBOOKS / "exercises").glob("lesson*.py"))


def exercises(lesson):
    """Of each exercise: the stub, the call that looks at it, and the solution."""
    (path,) = NOTEBOOKS.glob(f"{lesson.removeprefix('lesson')}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    for stub, call, words in zip(cells, cells[1:], cells[2:], strict=False):
        if call.source.startswith("exercises."):
            solution = re.search(r"<summary>Solution</summary>.*?```python\n(.*?)```", words.source, re.S)
            yield stub.source, call.source, solution and solution[1]


P3D = "from r2p1d_edu.networks.convolutions import Pseudo3D as P3D"
STRANGE = ["None", "'text'", "[]", "-1", "float('nan')", "torch.ones(2, 2)", "lambda *a, **b: 1 / 0"]
ALL = [(lesson, *parts) for lesson in LESSONS for parts in exercises(lesson)]


def looked_at(lesson, answer, call):
    """The panel that a lesson's cell shows for this answer."""
    module = __import__(f"exercises.{lesson}", fromlist=["*"])
    names = {
        "FAMILY": FAMILY,
        "torch": torch,
        "nn": torch.nn,
        "np": numpy,
        "F": torch.nn.functional,
        "exercises": module,
    }
    exec(answer, names)
    return eval(call, names)


@pytest.mark.parametrize(("lesson", "stub", "call", "solution"), ALL, ids=lambda value: str(value)[:24])
def test_a_solution_passes_and_a_stub_is_grey(lesson, stub, call, solution):
    assert solution, "no solution below the exercise"
    panel = looked_at(lesson, solution, call)
    assert panel.passed, panel
    assert {check.passed for check in looked_at(lesson, stub, call).checks} == {None}


@pytest.mark.parametrize(("lesson", "stub", "call", "solution"), ALL, ids=lambda value: str(value)[:24])
@pytest.mark.parametrize(
    "strange", ["None", "'text'", "[]", "-1", "float('nan')", "torch.ones(2, 2)", "lambda *a, **b: 1 / 0"]
)
def test_strange_answers_are_words_and_never_a_traceback(lesson, stub, call, solution, strange):
    names = [node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name) and node.id != "exercises"]
    panel = looked_at(lesson, "\n".join(f"{name} = {strange}" for name in names), call)
    assert not panel.passed
    assert "Traceback" not in repr(panel)


PAIR = """f = lambda i, o, m, s=1: nn.Sequential(
    nn.Conv3d(i, m, (1, 3, 3), stride={1}, padding=(0, 1, 1), bias=False), nn.BatchNorm3d(m), {0},
    nn.Conv3d(m, o, (3, 1, 1), stride={2}, padding=(1, 0, 0), bias=False))"""


@pytest.mark.parametrize(
    ("lesson", "call", "answer", "hint"),
    [
        ("lesson01", "exercises.exercise_1(f)", "f = lambda n, t, s, rng: [rng.integers(n)] * t", "the last start"),
        ("lesson01", "exercises.exercise_2(f)", "f = 24 * 3 * 32 * 112 * 112 / 2**20", "one byte a number"),
        (
            "lesson01",
            "exercises.exercise_3(f)",
            "f = np.zeros((3, 3, 3)); f[0, 1, 1], f[2, 1, 1] = 1, -1",
            "the earlier frame",
        ),
        ("lesson01", "exercises.exercise_4(f)", "f = lambda up, down: up.max() > down.max()", "mind the signs"),
        ("lesson06", "exercises.exercise_1(f)", "f = lambda n, m, t, d: t*d*d*n*m / (d*d*n + t*m)", "round down"),
        ("lesson06", "exercises.exercise_1(f)", "f = lambda n, m, t, d: t*d*d*n*m // (d*n + t*m)", "d² weights"),
        ("lesson06", "exercises.exercise_2(f)", "f = lambda blocks: -17_193", "and the BatchNorms"),
        ("lesson06", "exercises.exercise_2(f)", "f = lambda blocks: -723", "the stem has a BatchNorm"),
        ("lesson06", "exercises.exercise_3(f)", "f = [-384, -1_536, -2_304]", "rounds down"),
        ("lesson06", "exercises.exercise_4(f)", "f = 3_731_028", "twice the blocks"),
        ("lesson07", "exercises.exercise_1(f)", "f = lambda blocks: ['ABC' * 12][:1] + ['ABCA']", "A, B, C in turn"),
        (
            "lesson07",
            "exercises.exercise_1(f)",
            "f = lambda blocks: [('ABC' * 12)[:n] for n in blocks]",
            "does not start again",
        ),
        (
            "lesson07",
            "exercises.exercise_2(lambda c, form: P3D(c, c, form=form, convention='released'))",
            P3D,
            "released",
        ),
        ("lesson07", "exercises.exercise_2(lambda c, form: P3D(c, c, form='B'))", P3D, "that is B"),
        ("lesson07", "exercises.exercise_3(f)", "f = lambda S, T, x: S(x) + T(S(x)).relu()", "that is the equation"),
        ("lesson07", "exercises.exercise_4(f)", "f = 64", "4/9"),
        ("lesson08", "exercises.exercise_2(f)", "f = [4, 4, 4]", "does a kernel know"),
        ("lesson08", "exercises.exercise_3(f)", "f = 16", "41.5 GMAC"),
        ("lesson08", "exercises.exercise_4(f)", "f = ('2d',) * 5", "a stride in time"),
        ("lesson09", "exercises.exercise_1(f)", "f = 66", "that is the paper's"),
        (
            "lesson09",
            "exercises.exercise_3(f)",
            "f = lambda a, b: nn.Sequential(nn.Conv3d(a, 2, 1, stride=2), nn.Conv3d(2, b, 1))",
            "loses directions",
        ),
        ("lesson09", "exercises.exercise_4(f)", "f = 15_104", "the shortcuts have their share"),
        ("lesson02", "exercises.exercise_1(f)", "f = lambda x: x.transpose(1, 2).flatten(1, 2)", "frame 0 of green"),
        ("lesson02", "exercises.exercise_2(f)", "f = (301_056, 0)", "how many frames are added"),
        ("lesson02", "exercises.exercise_3(f)", "f = 0.5", "clap and wave"),
        (
            "lesson02",
            "exercises.exercise_4(lambda x: x.mean(2), f)",
            "def f(c):\n    conv = nn.Conv1d(c, c, 3, padding=1)"
            "\n    conv.forward = lambda x, g=conv.forward: g(x).mean(2)\n    return conv",
            "one average, but for the clip's ends",
        ),
        ("lesson03", "exercises.exercise_2(f)", "f = lambda n: [n, n, n // 2, n // 4, n // 8]", "that rounds down"),
        (
            "lesson03",
            "exercises.exercise_3(f)",
            "f = lambda path: 1 + sum(k - 1 for k, s in path)",
            "strides are forgotten",
        ),
        ("lesson03", "exercises.exercise_4(f, 17)", "f = 5 / 3", "the stem sees 3 frames"),
        (
            "lesson04",
            "exercises.exercise_1(f)",
            "f = lambda n: FAMILY[n[1:] if n[0] == 'r' else 'r' + n]",
            "its reverse",
        ),
        (
            "lesson04",
            "exercises.exercise_1(f)",
            "f = lambda n: (FAMILY[n][:1] * int(n[-1]) + FAMILY[n][-1:] * 4)[:5]",
            "the first that has turned",
        ),
        ("lesson04", "exercises.exercise_2(f)", "f = 'rmc5'", "25 M there alone"),
        ("lesson04", "exercises.exercise_3(f)", "f = ('2d', '2d', '3d', '3d', '3d')", "worth its price"),
        (
            "lesson05",
            "exercises.exercise_1(f)",
            PAIR.format("nn.Identity()", "(1, s, s)", "(s, 1, 1)"),
            "one linear kernel",
        ),
        ("lesson05", "exercises.exercise_1(f)", PAIR.format("nn.ReLU()", "(s, s, s)", "1"), "the strides are"),
        ("lesson05", "exercises.exercise_2(torch.eye(3), 1, 1)", "", "expected shape (3, 3, 3)"),
        ("lesson05", "exercises.exercise_4(f)", "f = 33", "that is R3D-34"),
    ],
)
def test_a_usual_mistake_is_named(lesson, call, answer, hint):
    panel = looked_at(lesson, answer, call)
    assert not panel.passed
    assert hint in repr(panel)
