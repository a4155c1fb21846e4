"""A training step and an inference: torchvision as it comes, torchvision at its best, and ours."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import ConstantLR

from r2p1d_edu.bench.measure import ROUNDS, Table, in_turn
from r2p1d_edu.bench.peers import peer
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.training.device import choose_device, choose_precision, make_fabric
from r2p1d_edu.training.loop import training_step
from r2p1d_edu.video.clips import normalise

CLIP = (3, 16, 112, 112)
CLASSES = 400
PEER_OF = {"r3d": "r3d_18", "mc3": "mc3_18", "r2plus1d": "r2plus1d_18"}
NAMES = {
    # way: what it is
    "ours": "create_network and train's own step: channels last, mixed precision where the device has it",
    "ours, 32 bit": "the same in float32",
    "torchvision": "as it comes: float32, contiguous",
    "torchvision, best": "channels_last_3d and autocast to bfloat16, fused AdamW",
    "torchvision, compiled": "the same under torch.compile",
}


def bench_train(networks: tuple[str, ...] = tuple(PEER_OF), batch: int = 2, rounds: int = ROUNDS) -> list[Table]:
    """For each of these networks (18 layers) a table of training steps and one of inferences, on the fastest device."""
    device = choose_device()
    tables = []
    for name in networks:
        ways = steps_of(name, batch, device)
        for what, number in (("Training step", 0), ("Inference", 1)):
            seconds = in_turn({way: pair[number] for way, pair in ways.items()}, rounds)
            clip = "×".join(map(str, CLIP[1:]))
            setting = f"{PEER_OF[name]}, {batch} clips of {clip}, on {device}"
            tables.append(Table(f"{what}, {PEER_OF[name]}", setting, "ours", seconds, {"how": NAMES}))
    return tables


Pair = tuple[Callable[[], object], Callable[[], object]]  # a training step and an inference


def steps_of(name: str, batch: int, device: str) -> dict[str, Pair]:
    """Every way to train and to run this network that is possible here. The clips are the same, uint8, at random."""
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(0, 256, (batch, *CLIP), dtype=torch.uint8, generator=generator)
    clips = clips.to(memory_format=torch.channels_last_3d)  # as loaders give them
    labels = torch.randint(0, CLASSES, (batch,), generator=generator)
    ways = {"ours": our_steps(name, clips, labels, "auto")}
    if choose_precision("auto", device) != "32":
        ways["ours, 32 bit"] = our_steps(name, clips, labels, "32")
    if models := peer("torchvision.models.video"):
        build = partial(getattr(models, PEER_OF[name]), num_classes=CLASSES)
        ways["torchvision"] = their_steps(build(), clips, labels, device, best=False)
        ways["torchvision, best"] = their_steps(build(), clips, labels, device, best=True)
        if device == "cuda":  # on a CPU it needs a C++ compiler, and gains nothing that could be measured
            ways["torchvision, compiled"] = their_steps(torch.compile(build()), clips, labels, device, best=True)
    return ways


def our_steps(name: str, clips: Tensor, labels: Tensor, precision: str) -> Pair:
    """What `train` does at every step, and what `evaluate` does with a batch."""
    network = create_network(name, num_classes=CLASSES, midplanes="per_block")
    network = network.to(memory_format=torch.channels_last_3d)
    fabric = make_fabric("auto", precision)
    optimizer = AdamW(network.parameters(), fused=True)
    scheduler = ConstantLR(optimizer)
    network, optimizer = fabric.setup(network, optimizer)

    @torch.no_grad()
    def infer() -> Tensor:
        network.eval()
        return network(normalise(fabric.to_device(clips)))

    def step() -> dict:
        network.train()
        return training_step(fabric, network, optimizer, scheduler, clips, labels)

    return step, infer


def their_steps(network: nn.Module, clips: Tensor, labels: Tensor, device: str, best: bool) -> Pair:
    """The usual few lines around a torchvision network."""
    layout = torch.channels_last_3d if best else torch.contiguous_format
    network = network.to(device, memory_format=layout)
    optimizer = AdamW(network.parameters(), fused=best)
    autocast = partial(torch.autocast, device, torch.bfloat16, enabled=best)

    def prepared() -> Tensor:
        return normalise(clips.to(device)).contiguous(memory_format=layout)

    @torch.no_grad()
    def infer() -> Tensor:
        network.eval()
        with autocast():
            return network(prepared())

    def step() -> float:
        network.train()
        with autocast():
            loss = F.cross_entropy(network(prepared()), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, infer
