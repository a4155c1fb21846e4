"""Recipes with names.

`strong` makes the most of little data at the cost of `plain`. A network that sees differences of frames cannot learn
the few backgrounds by heart, since what stands still is not in them. It was chosen by cross-validation within the
training groups of four classes of UCF101 (data/results/recipes_tried.csv has all that was tried), and compared with
`plain` on the test groups once, at the end (data/results/recipes.csv). `python -m experiments recipes` measures both.
"""

from r2p1d_edu.errors import check_choice

RECIPES = {
    # name: what differs from the defaults of Recipe
    "plain": {},
    "strong": {"stride": 2, "differences": True},
}


def settings_of(name: str) -> dict:
    """The settings of a recipe with a name, for Recipe(**settings)."""
    check_choice(name, RECIPES, "recipe")
    return RECIPES[name]
