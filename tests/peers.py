"""Other people's implementations, to be held against; a test that needs one skips visibly where it is not installed."""

import sys
from types import ModuleType

import pytest

from benchmarks.peers import peer


def import_torchvision() -> ModuleType:
    """torchvision with models.video and transforms, or a skip."""
    if peer("torchvision.models.video") is None:
        pytest.skip("torchvision is not installed", allow_module_level=True)
    peer("torchvision.transforms._presets")
    return sys.modules["torchvision"]
