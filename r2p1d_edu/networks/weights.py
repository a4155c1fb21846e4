"""Published weights: a table, and a network that has them.

What the sources say is in the table; the files themselves were not at hand when it was written. Any other checkpoint:
`load_weights(network, read_weights(path))`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from r2p1d_edu.download import download
from r2p1d_edu.errors import InputError, check_choice
from r2p1d_edu.folders import cache_folder, directory_lock
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.networks.loading import load_weights, read_weights, shorten
from r2p1d_edu.networks.preprocessing import Preprocessing
from r2p1d_edu.networks.resnet import initialise

TORCHVISION = "https://download.pytorch.org/models/"
IG65M = "https://github.com/moabitcoin/ig65m-pytorch/releases/download/v1.0.0/"


@dataclass(frozen=True)
class Checkpoint:
    """A published file of weights and the network that it fits.

    Attributes:
        network, options: for create_network.
        url, sha256, size: the file; sha256 may be its first digits, size (bytes) may be unknown.
        accuracy: as published, with the protocol.
        source: where all this was read.
        preprocessing: what the network expects of its input.
        norm_eps: ε of every BatchNorm; it is not part of a state dict. Its momentum is left as it is: Caffe2's 0.9 is
            PyTorch's 0.1.
    """

    network: str
    options: Mapping[str, object]
    url: str
    sha256: str
    accuracy: str
    source: str
    size: int | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    norm_eps: float = 1e-5


def from_torchvision(network: str, file: str, size: int, sha256: str, top1: float, top5: float) -> Checkpoint:
    """A checkpoint of torchvision.models.video; its R(2+1)D computes M once a block."""
    return Checkpoint(
        network,
        {"depth": 18, "num_classes": 400, "midplanes": "per_block"},
        TORCHVISION + file,
        sha256,
        f"Kinetics-400 validation, video level: top-1 {top1:.2f} %, top-5 {top5:.2f} %;"
        " 5 clips a video, 16 frames at 15 fps, 112×112",
        "torchvision 0.28, models/video/resnet.py; full SHA-256 and size: users' records, which agree with the digits"
        " in the file's name and with torchvision's size in MB",
        size,
    )


def from_ig65m(frames: int, num_classes: int, file: str, accuracy: str) -> Checkpoint:
    """A 34-layer R(2+1)D of VMZ, trained on 65 million Instagram videos and converted from Caffe2 by moabitcoin.

    The numbers of classes are those the maintainer gives in pull request 31; the README had two of them swapped. VMZ's
    Caffe2 tools, which made and measured the weights, take every frame of a video; its PyTorch port tests at 15 fps.
    """
    return Checkpoint(
        "r2plus1d",
        {"depth": 34, "num_classes": num_classes, "midplanes": "per_conv"},
        IG65M + file,
        file.removesuffix(".pth").rpartition("-")[2],
        accuracy,
        "moabitcoin/ig65m-pytorch, ig65m/models.py and pull request 31 (classes); facebookresearch/VMZ,"
        " tutorials/model_zoo.md (accuracy), ops/av_input_op.h (mean, std), c2/tools/test_net.py (size, every frame)",
        preprocessing=Preprocessing(frames=frames, fps=None),
        norm_eps=1e-3,
    )


NOT_PUBLISHED = "none published; the classes are hashtags, without a list of names"
AS_CAFFE2 = "Kinetics-400 validation, video level, as measured by VMZ in Caffe2: "
CHECKPOINTS = {
    "r3d_18": from_torchvision(
        "r3d", "r3d_18-b3b3357e.pth", 133_546_016,
        "b3b3357ead25631ec9c57362ff2128a92d0427e01e2cd184951a44380c3f2e9d", 63.200, 83.479,
    ),
    "mc3_18": from_torchvision(
        "mc3", "mc3_18-a90a0ba3.pth", 46_841_888,
        "a90a0ba35ca1242d15b77511ff28bfb29cc596988b5ea36081042f8e2f54212b", 63.960, 84.130,
    ),
    "r2plus1d_18": from_torchvision(
        "r2plus1d", "r2plus1d_18-91a641e6.pth", 126_162_996,
        "91a641e6c2ab531d1aca5f4321b4d802ec5c3babc15df855cdb6e39c6a1107c8", 67.463, 86.175,
    ),
    "r2plus1d_34_8_ig65m": from_ig65m(
        8, 487, "r2plus1d_34_clip8_ig65m_from_scratch-9bae36ae.pth", NOT_PUBLISHED
    ),
    "r2plus1d_34_32_ig65m": from_ig65m(
        32, 359, "r2plus1d_34_clip32_ig65m_from_scratch-449a7af9.pth", NOT_PUBLISHED
    ),
    "r2plus1d_34_8_kinetics": from_ig65m(
        8, 400, "r2plus1d_34_clip8_ft_kinetics_from_ig65m-0aa0550b.pth", AS_CAFFE2 + "top-1 74.9 %, top-5 91.8 %"
    ),
    "r2plus1d_34_32_kinetics": from_ig65m(
        32, 400, "r2plus1d_34_clip32_ft_kinetics_from_ig65m-ade133f1.pth", AS_CAFFE2 + "top-1 80.0 %, top-5 94.2 %"
    ),
}  # fmt: skip


def pretrained(
    name: str, num_classes: int | None = None, file: str | Path | None = None, cache: str | Path | None = None
) -> tuple[nn.Module, Preprocessing]:
    """A network with published weights, in evaluation mode, and the preprocessing that belongs to them.

    Args:
        name: a key of CHECKPOINTS.
        num_classes: if it is not the checkpoint's, the classifier is new and untrained.
        file: the checkpoint's file if you have it already; otherwise it is downloaded once.
        cache: the folder for downloads; by default `weights` in the folder of R2P1D_CACHE or in the user's cache.

    Raises:
        InputError: an unknown name, a download that failed, a file that does not fit or that holds NaN.
    """
    check_choice(name, CHECKPOINTS, "checkpoint")
    checkpoint = CHECKPOINTS[name]
    classes = checkpoint.options["num_classes"] if num_classes is None else num_classes
    network = create_network(checkpoint.network, **{**checkpoint.options, "num_classes": classes})
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(float("nan"))  # so that a tensor that is never set cannot pass unnoticed
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eps = checkpoint.norm_eps
    if file is None:
        folder = Path(cache) if cache else cache_folder() / "weights"
        file = folder / checkpoint.url.rpartition("/")[2]
        folder.mkdir(parents=True, exist_ok=True)
        with directory_lock(folder):
            download(checkpoint.url, file, checkpoint.sha256, checkpoint.size)
    new_head = classes != checkpoint.options["num_classes"]
    load_weights(network, read_weights(file), new_head=new_head)
    if new_head:
        initialise(network.get_submodule("fc"))
    broken = [name for name, tensor in network.state_dict().items() if tensor.isnan().any()]
    if broken:
        raise InputError(f"{file}: NaN in {shorten(broken)}; the file is damaged")
    return network.eval(), checkpoint.preprocessing
