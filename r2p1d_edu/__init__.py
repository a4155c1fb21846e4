"""How convolutional networks see time: a course in notebooks and the small package behind it.

The few names that a notebook needs are here; each is imported when first used, so that the command line starts fast.
"""

from importlib import import_module

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of this
if TYPE_CHECKING:  # for editors and type checkers, which do not run __getattr__
    from r2p1d_edu.cost.layers import account as account
    from r2p1d_edu.cost.matching import midplanes as midplanes
    from r2p1d_edu.lab.live import LivePlot as LivePlot
    from r2p1d_edu.lab.predict import predict as predict
    from r2p1d_edu.lab.predict import predictions as predictions
    from r2p1d_edu.networks.family import FAMILY as FAMILY
    from r2p1d_edu.networks.family import create_network as create_network
    from r2p1d_edu.training.evaluate import evaluate as evaluate
    from r2p1d_edu.training.loop import train as train
    from r2p1d_edu.training.recipe import Recipe as Recipe
    from r2p1d_edu.video.arrow import write_arrow as write_arrow
    from r2p1d_edu.video.decode import read_frames as read_frames
    from r2p1d_edu.video.ucf101 import load_split as load_split

    __version__: str

_HOME = {
    "FAMILY": "networks.family",
    "create_network": "networks.family",
    "midplanes": "cost.matching",
    "account": "cost.layers",
    "read_frames": "video.decode",
    "load_split": "video.ucf101",
    "write_arrow": "video.arrow",
    "Recipe": "training.recipe",
    "train": "training.loop",
    "evaluate": "training.evaluate",
    "LivePlot": "lab.live",
    "predict": "lab.predict",
    "predictions": "lab.predict",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name == "__version__":
        value = import_module("importlib.metadata").version("r2p1d_edu")
    elif name in _HOME:
        value = getattr(import_module(f"r2p1d_edu.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"r2p1d_edu has no {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
