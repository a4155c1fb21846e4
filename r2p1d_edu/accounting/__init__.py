"""What a network costs: matched widths, parameters, multiply-adds, memory, receptive field.

`account` and `training_memory` need torch, `matching` does not: torch is imported when one of them is asked for.
"""

from importlib import import_module

HOMES = {"account": "layers", "training_memory": "memory"}


def __getattr__(name: str):
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
