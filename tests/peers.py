"""Other people's implementations, to be held against; a test that needs one skips visibly where it is not installed."""

import importlib
import sys
from types import ModuleType

import pytest
import torch

kept = []  # operator definitions live as long as the Library that made them


def import_torchvision() -> ModuleType:
    """torchvision with models.video and transforms, or a skip.

    torchvision's wheels from PyPI are built for CUDA. Beside a CPU-only PyTorch their compiled part cannot be loaded,
    and the import fails on two detection operators that the video models never call: naming them is enough.
    """
    try:
        importlib.import_module("torchvision")
    except ImportError as error:
        pytest.skip(f"torchvision cannot be imported: {error}", allow_module_level=True)
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        kept.append(library)
    for name in ("torchvision.models.video", "torchvision.transforms._presets"):
        importlib.import_module(name)
    return sys.modules["torchvision"]
