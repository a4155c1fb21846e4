"""How convolutional networks see time: a course in notebooks and the small package behind it.

The few names that a notebook needs are here; each is imported when first used, so that the command line starts fast.
"""

from importlib import import_module

_HOME = {
    "FAMILY": "networks.family",
    "create_network": "networks.family",
    "midplanes": "accounting.matching",
    "account": "accounting.layers",
    "read_frames": "video.decode",
    "load_split": "video.ucf101",
    "write_arrow": "video.arrow",
    "Recipe": "training.recipe",
    "train": "training.loop",
    "evaluate": "training.evaluate",
    "LivePlot": "lab.live",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"r2p1d_edu has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"r2p1d_edu.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
