"""The house: imports go downwards. Read from the source, so that nothing hides in a function."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOT = PROJECT / "r2p1d_edu"
FILES = sorted(ROOT.rglob("*.py"))
ROOMS = ("classroom", "experiments", "benchmarks")  # beside the package: they use it, it knows none of them
# Who may import whom. A wing is a folder or a file right below r2p1d_edu.
GROUND = {"errors", "folders", "kinetics"}
MAY_IMPORT = {
    "errors": set(),
    "folders": {"errors"},
    "kinetics": set(),
    "download": GROUND,
    "cost": GROUND,
    "networks": GROUND | {"cost", "download"},
    "video": GROUND | {"cost", "download"},
    "training": GROUND | {"cost", "download", "networks", "video"},
    "lab": GROUND | {"cost", "download", "networks", "video", "training"},
    "command": GROUND,
    "__main__": {"cli"},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"__main__"}
ONLY_IN_LAB = {"matplotlib", "pandas", "IPython", "ipywidgets", "ipykernel", "jupyterlab"}


def imported(path):
    """(module, line) of every import in the file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            whole = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "r2p1d_edu" else []
            yield from ((name, node.lineno) for name in whole or [node.module])


def wing(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_a_file_imports_downwards_only(path):
    here = wing(path)
    for name, line in imported(path):
        top, *below = name.split(".")
        where = f"{path}:{line}: {name}"
        assert top not in {"torchvision", "nbgrader", *ROOMS}, where
        if here not in ("lab", "cli"):
            assert top not in ONLY_IN_LAB, where
        if top == "r2p1d_edu" and below and here != "__init__":
            assert below[0] == here or below[0] in MAY_IMPORT[here], where


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_beside_the_package_imports_no_other_room(room):
    files = sorted((PROJECT / room).rglob("*.py"))
    assert files
    for path in files:
        names = {name.split(".")[0] for name, _ in imported(path)}
        assert names.isdisjoint(set(ROOMS) - {room}), path
        assert room == "classroom" or "nbgrader" not in names, path


def test_every_wing_has_its_place():
    assert {wing(path) for path in FILES} <= set(MAY_IMPORT) | {"__init__"}


def test_matching_is_pure_arithmetic():
    modules = {name for name, _ in imported(ROOT / "cost" / "matching.py")}
    assert modules <= {"dataclasses", "fractions", "math", "collections", "r2p1d_edu.errors"}


def test_the_reading_of_imports_finds_those_inside_functions():
    assert ("r2p1d_edu.training.loop", True) in {(name, line > 20) for name, line in imported(ROOT / "cli.py")}
