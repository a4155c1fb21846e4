"""Read a checkpoint and load it, without surprises.

A file is read without running code from it, compared with the network as a whole, and only then copied: each tensor
once, none left over on either side.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from r2p1d_edu.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model", "network")  # where training scripts keep the weights
PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every name
HEAD = ("fc.", "linear.")  # the classifier, in this package and in the article's listing


def read_weights(path: str | PathLike) -> dict[str, Tensor]:
    """The tensors of a PyTorch checkpoint by name, on the CPU; nothing in the file can run.

    Weights that a training script wrapped ({"state_dict": …}) are unwrapped, and the prefix that DataParallel or
    torch.compile gave every name is taken off.

    Raises:
        InputError: no such file, one that is cut short, is no checkpoint, or holds anything but tensors; with the
            reason in one line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; a checkpoint (.pt, .pth) is expected")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they speak of the pickle's protocol; the error below says it better
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f"cannot read {path} as a checkpoint: {explain(error)}") from error
    if isinstance(content, dict):
        content = next((content[key] for key in WRAPPERS if isinstance(content.get(key), dict)), content)
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path} holds {type(content).__name__}, not a dictionary of tensors by name")
    strangers = [key for key, value in content.items() if not (isinstance(key, str) and isinstance(value, Tensor))]
    if strangers:
        raise InputError(f"{path} holds more than tensors: {shorten(strangers)}; save network.state_dict() alone")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): tensor for name, tensor in content.items()}
    return dict(content)


def explain(error: Exception) -> str:
    """Why torch.load failed, in one line and without its advice to switch the protection off."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    if named:
        return f"it asks to run {named[1]}; a file of weights runs nothing. Save network.state_dict() alone"
    if isinstance(error, UnpicklingError):
        return "it is not a PyTorch file"
    return f"it is cut short or damaged ({re.split(r'[.:] |$', str(error), flags=re.M)[0] or type(error).__name__})"


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], *, new_head: bool = False) -> None:
    """Copy `tensors` into the network: all of them, each once, or none.

    With `new_head` the file's classifier (fc.*, linear.*) is left out, and the network's stays as it is.

    Raises:
        InputError: names, shapes or kinds that differ, both lists shown; the network is unchanged to the last bit.
    """
    states = (network.state_dict(), dict(tensors))
    own, given = ({n: x for n, x in state.items() if not (new_head and n.startswith(HEAD))} for state in states)
    both = {name: [shape_and_dtype(state[name]) for state in (given, own)] for name in own if name in given}
    faults = {
        "missing": [name for name in own if name not in given],
        "unexpected": [name for name in given if name not in own],
        "misshapen": [f"{name} ({seen}, network: {wanted})" for name, (seen, wanted) in both.items() if seen != wanted],
    }
    if any(faults.values()):
        fit = f"{len(both) - len(faults['misshapen'])} tensors fit"
        said = [f"{len(names)} {fault}: {shorten(names)}" for fault, names in faults.items() if names]
        raise InputError(
            f"these weights are not of this network, which is unchanged ({'; '.join([fit, *said])}). Create"
            " it with the depth, width, num_classes and midplanes of the weights; new_head=True leaves out fc alone"
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(given[name])


def shorten(names: Sequence, most: int = 4) -> str:
    """The first few names, and how many more there are."""
    more = f", … and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def shape_and_dtype(tensor: object) -> str:
    """Shape and kind of a tensor: what must agree before one is copied into another; precision need not."""
    if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or tensor.is_meta:
        return "no plain tensor"
    return f"{tuple(tensor.shape)}{'' if tensor.is_floating_point() else f' {tensor.dtype}'.replace('torch.', '')}"
