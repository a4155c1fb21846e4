"""Other people's implementations, imported by name where they are installed; none is ever needed."""

import importlib
import sys
import warnings
from types import ModuleType

import torch

kept = []  # operator definitions live as long as the Library that made them


def peer(name: str) -> ModuleType | None:
    """The module, or None where it is not installed or, with a warning, cannot be loaded: TorchCodec needs FFmpeg's.

    torchvision's wheels from PyPI are built for CUDA. Beside a CPU-only PyTorch their compiled part cannot be loaded,
    and the import fails on two detection operators that the video models never call: naming them is enough.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of deprecations in code that is not ours
            return importlib.import_module(name)
    except ImportError:
        return None
    except (OSError, RuntimeError) as error:
        if kept or "torchvision::nms" not in str(error):
            warnings.warn(
                f"{name} is installed and cannot be loaded: {str(error).strip().splitlines()[0]}", stacklevel=2
            )
            return None
    for half_loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] in ("torchvision", name)]:
        del sys.modules[half_loaded]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    kept.append(library)
    return peer(name)
