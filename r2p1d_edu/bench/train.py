"""A training step and an inference: a peer as it comes, the peer at its best, and ours."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import ConstantLR

from r2p1d_edu.bench.measure import ROUNDS, Table, in_turn, peak_bytes
from r2p1d_edu.bench.peers import peer
from r2p1d_edu.errors import choose
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.training.device import choose_device, choose_precision, make_fabric
from r2p1d_edu.training.loop import training_step
from r2p1d_edu.video.clips import normalise

CLASSES = 400


@dataclass(frozen=True)
class Case:
    """A network of ours, with the options that make it the peer's. Without torchvision's name the peer is the same
    network made of plain `nn.Conv3d`.
    """

    network: str
    torchvision: str | None = None
    options: dict = field(default_factory=lambda: {"midplanes": "per_block"})
    clip: tuple[int, int, int, int] = (3, 16, 112, 112)
    batch: int = 2


CASES = {
    "r3d_18": Case("r3d", "r3d_18"),
    "mc3_18": Case("mc3", "mc3_18"),
    "r2plus1d_18": Case("r2plus1d", "r2plus1d_18"),
    "tiny": Case("r2plus1d", None, {"depth": 10, "width": 16}, (3, 8, 56, 56), batch=16),
}


def bench_train(cases: Iterable[str] = tuple(CASES), rounds: int = ROUNDS) -> list[Table]:
    """For each of these cases a table of training steps and one of inferences, on the fastest device here.

    Raises:
        InputError: an unknown case.
    """
    device, tables = choose_device(), []
    for name in cases:
        choose(name, CASES, "case")
        case = CASES[name]
        ways, how = steps_of(case, device)
        setting = f"{case.batch} clips of {'×'.join(map(str, case.clip[1:]))}, uint8 to loss, on {device}"
        for what, number in (("Training step", 0), ("Inference", 1)):
            calls = {way: pair[number] for way, pair in ways.items()}
            seconds = in_turn(calls, rounds)
            peaks = {way: f"{peak / 2**20:.0f}" for way, call in calls.items() if (peak := peak_bytes(call))}
            extra = {"peak, MiB": peaks} if peaks else {}
            tables.append(Table(f"{what}, {name}", setting, "ours", seconds, extra | {"how": how}))
    return tables


Pair = tuple[Callable[[], object], Callable[[], object]]  # a training step and an inference


def steps_of(case: Case, device: str) -> tuple[dict[str, Pair], dict[str, str]]:
    """Every way to train and to run this network that is possible here, and how each does it."""
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(0, 256, (case.batch, *case.clip), dtype=torch.uint8, generator=generator)
    clips = clips.to(memory_format=torch.channels_last_3d)  # as loaders give them
    labels = torch.randint(0, CLASSES, (case.batch,), generator=generator)
    precision = choose_precision("auto", device)
    ways = {"ours": our_steps(case, clips, labels, "auto")}
    how = {"ours": f"the step of `train`, channels last, {precision}"}
    if precision != "32":
        ways["ours, 32 bit"] = our_steps(case, clips, labels, "32")
        how["ours, 32 bit"] = "the step of `train`, channels last, float32"
    name, build = peer_of(case)
    if build:
        ways[name] = their_steps(build(), clips, labels, device, best=False)
        how[name] = "float32, contiguous"
        ways[f"{name}, best"] = their_steps(build(), clips, labels, device, best=True)
        how[f"{name}, best"] = "channels_last_3d, autocast to bfloat16, fused AdamW"
        if device == "cuda":  # on a CPU it needs a C++ compiler
            ways[f"{name}, compiled"] = their_steps(torch.compile(build()), clips, labels, device, best=True)
            how[f"{name}, compiled"] = "the same under torch.compile"
    return ways, how


def peer_of(case: Case) -> tuple[str, Callable[[], nn.Module] | None]:
    """The peer's name and what builds its network; None where it is not installed."""
    if case.torchvision is None:
        return "plain Conv3d", partial(plain_network, case)
    models = peer("torchvision.models.video")
    return "torchvision", models and partial(getattr(models, case.torchvision), num_classes=CLASSES)


def plain_network(case: Case) -> nn.Module:
    """Our network with PyTorch's own 3D convolution everywhere."""
    network = create_network(case.network, num_classes=CLASSES, **case.options)
    for module in network.modules():
        if isinstance(module, Conv):
            module.__class__ = nn.Conv3d
    return network


def our_steps(case: Case, clips: Tensor, labels: Tensor, precision: str) -> Pair:
    """What `train` does at every step, and what `evaluate` does with a batch."""
    network = create_network(case.network, num_classes=CLASSES, **case.options)
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
    """The usual few lines around somebody's network."""
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
