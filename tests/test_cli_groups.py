"""The command line on a folder without split lists: the file names tell the groups, or it says what is missing."""

import json
import shutil

import pytest

from r2p1d_edu.cli import main
from r2p1d_edu.errors import InputError
from r2p1d_edu.training.recipe import Recipe

TINY = ["--classes=Ring,Rise", "--network=r3d", "--width=2", "--frames=4", "--size=16", "--epochs=1", "--batch=16"]
TINY += ["--clips-per-video=1", "--device=cpu", "--precision=32"]
PATTERN = r"_g(?P<group>\d+)_"


@pytest.fixture
def mine(arrow_folder, tmp_path, monkeypatch):
    """Two classes and no lists beside them."""
    for name in ("Ring", "Rise"):
        shutil.copytree(arrow_folder / "videos" / name, tmp_path / "mine" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def test_a_folder_of_ones_own_is_trained_on_and_tested(mine, capsys):
    """Both classes have a scene of each number, and a scene is on one side only: 8 or 9 of 25 are tested."""
    assert main(["train", "--videos=mine", "--groups", PATTERN, "--fold=2", *TINY, "--out=run"]) == 0
    said = json.loads((mine.parent / "run" / "result.json").read_text())["split"]
    assert said in [f"mine grouped by name, fold 2, test, {2 * groups} videos" for groups in (8, 9)]
    assert Recipe.load(mine.parent / "run" / "recipe.json").groups == PATTERN
    result = capsys.readouterr().out.splitlines()[0]
    assert main(["evaluate", "run"]) == 0
    assert capsys.readouterr().out.splitlines() == [result]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], "or a pattern that finds the group in file names, such as --groups '_g(?P<group>\\d+)_'"),
        (["--groups=_g"], "does not say which part is the group"),
        (["--groups=(?P<group>x)"], "its name has no group by the pattern"),
        (["--groups", PATTERN, "--splits=lists"], "one decides the split"),
    ],
)
def test_what_cannot_be_split_is_said_in_a_line(mine, capsys, more, expected):
    assert main(["train", "--videos=mine", *TINY, *more]) == 2
    said = capsys.readouterr().err
    assert said.startswith("r2p1d_edu: ")
    assert said.count("\n") == 1
    assert expected in said


def test_a_recipe_takes_a_pattern_only_as_text():
    with pytest.raises(InputError, match="groups is 7; it must be a regular expression, or None"):
        Recipe("videos", groups=7)
