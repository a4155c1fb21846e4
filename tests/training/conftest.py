"""A run that takes a fraction of a second."""

import pytest

from r2p1d_edu.training.recipe import Recipe

MEASURED = ("seconds", "clips_per_second")  # the columns of a history that no two runs share


@pytest.fixture
def recipe(arrow_folder):
    """28 training videos of two classes, 8 held out, 14 for the test; 3 steps an epoch, 9 in all."""
    return Recipe(
        videos=arrow_folder / "videos",
        classes=("Ring", "Rise"),
        network="r3d",
        options={"depth": 10, "width": 2},
        frames=4,
        size=16,
        epochs=3,
        batch=8,
        validation=0.2,
        clips_per_video=2,
        device="cpu",
        precision="32",
    )


@pytest.fixture
def without_clock():
    """A history without its measured columns, so that two can be compared."""
    return lambda history: [{name: row[name] for name in row if name not in MEASURED} for row in history]
