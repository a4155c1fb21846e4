"""A training step and an inference: a peer as it comes, the peer at its best, and ours."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import ConstantLR

from benchmarks.measure import ROUNDS, Table, peak_bytes, time_interleaved
from benchmarks.peers import peer
from benchmarks.roofline import roofline_seconds
from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import check_choice
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


Pair = tuple[Callable[[], object], Callable[[], object]]  # a training step and an inference


@dataclass(frozen=True)
class Way:
    """One way to train and to run a network: what builds it, the type that it multiplies in, and how, in words.

    `steps` is given what to do with a network once it is made: nothing, or compile it.
    """

    steps: Callable[[Callable[[nn.Module], nn.Module]], Pair]
    dtype: torch.dtype
    how: str
    compiled: bool = False

    def build(self) -> Pair:
        """A fresh network's training step and inference."""
        return self.steps(torch.compile if self.compiled else lambda network: network)


def bench_train(cases: Iterable[str] = tuple(CASES), rounds: int = ROUNDS) -> list[Table]:
    """For each of these cases a table of training steps and one of inferences, on the fastest device here.

    Training steps also under torch.compile where that works, and with the memory that each needs.

    Raises:
        InputError: an unknown case.
    """
    device, tables = choose_device(), []
    for name in cases:
        check_choice(name, CASES, "case")
        ways = ways_of(name, device, compiled=can_compile(device))
        built = {way: one.build() for way, one in ways.items()}
        for what, number in (("Training step", 0), ("Inference", 1)):
            timed = {way: one for way, one in ways.items() if not (number and one.compiled)}  # `evaluate` compiles none
            seconds = time_interleaved({way: built[way][number] for way in timed}, rounds)
            extra = {"of the roofline": shares(CASES[name], timed, seconds, what == "Training step", device)}
            if what == "Training step":
                peaks = {way: peak_bytes(training_alone, name, way, device) for way in timed}
                extra["peak, MiB"] = {way: f"{peak / 2**20:.0f}" for way, peak in peaks.items() if peak}
            extra["how"] = {way: one.how for way, one in timed.items()}
            size = "×".join(map(str, CASES[name].clip[1:]))
            setting = f"{CASES[name].batch} clips of {size}, uint8 to loss, on {device}"
            tables.append(Table(f"{what}, {name}", setting, "ours", seconds, extra))
        torch._dynamo.reset()  # it compiles the same lines for eight networks and no more
    return tables


def shares(case: Case, ways: dict[str, Way], seconds: dict[str, float], training: bool, device: str) -> dict[str, str]:
    """How much of each way's time even the roofline of its type would take."""
    with torch.device("meta"):
        cost = account(plain_network(case), case.clip)
    kinds = {one.dtype for one in ways.values()}
    rooflines = {dtype: roofline_seconds(cost, case.batch, training, device, dtype) for dtype in kinds}
    return {way: f"{rooflines[one.dtype] / seconds[way]:.0%}" for way, one in ways.items()}


def can_compile(device: str) -> bool:
    """Whether torch.compile works here; on a CPU it needs a C++ compiler."""
    try:
        torch.compile(torch.neg)(torch.zeros(2, device=device))
    except torch._dynamo.exc.TorchDynamoException:
        return False
    return True


def training_alone(name: str, way: str, device: str) -> Callable[[], object]:
    """The training step of one way, for a process of its own."""
    return ways_of(name, device, compiled=True)[way].build()[0]


def ways_of(name: str, device: str, compiled: bool) -> dict[str, Way]:
    """Every way to train and to run this network that is possible here."""
    case, bf16 = CASES[name], torch.bfloat16
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(0, 256, (case.batch, *case.clip), dtype=torch.uint8, generator=generator)
    clips = clips.to(memory_format=torch.channels_last_3d)  # as loaders give them
    labels = torch.randint(0, CLASSES, (case.batch,), generator=generator)
    ours, theirs = partial(our_steps, case, clips, labels), partial(their_steps, clips, labels, device)
    precision = choose_precision("auto", device)
    dtype = {"bf16": bf16, "32": torch.float32}[precision]
    ways = {"ours": Way(partial(ours, precision), dtype, f"the step of `train`, channels last, {precision}")}
    if precision != "32":
        ways["ours, 32 bit"] = Way(partial(ours, "32"), torch.float32, "the step of `train`, channels last, float32")
    peer_name, build = peer_of(case)
    if build:
        how = "channels_last_3d, autocast to bfloat16, fused AdamW"
        ways[peer_name] = Way(partial(theirs, build, False), torch.float32, "float32, contiguous")
        ways[f"{peer_name}, best"] = Way(partial(theirs, build, True), bf16, how)
    if compiled:
        how = "the same under torch.compile"
        fast = {way: one for way, one in ways.items() if way != peer_name}  # which stays as it comes
        ways |= {f"{way}, compiled": replace(one, how=how, compiled=True) for way, one in fast.items()}
    return ways


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


def our_steps(case: Case, clips: Tensor, labels: Tensor, precision: str, translate: Callable) -> Pair:
    """What `train` does at every step, and what `evaluate` does with a batch."""
    network = create_network(case.network, num_classes=CLASSES, **case.options)
    network = network.to(memory_format=torch.channels_last_3d)
    fabric = make_fabric("auto", precision)
    optimizer = AdamW(network.parameters(), fused=True)
    scheduler = ConstantLR(optimizer)
    network, optimizer = fabric.setup(translate(network), optimizer)

    @torch.no_grad()
    def infer() -> Tensor:
        network.eval()
        return network(normalise(fabric.to_device(clips)))

    def step() -> dict:
        network.train()
        return training_step(fabric, network, optimizer, scheduler, clips, labels)

    return step, infer


def their_steps(
    clips: Tensor, labels: Tensor, device: str, make: Callable[[], nn.Module], best: bool, translate: Callable
) -> Pair:
    """The usual few lines around somebody's network."""
    layout = torch.channels_last_3d if best else torch.contiguous_format
    network = translate(make().to(device, memory_format=layout))
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
