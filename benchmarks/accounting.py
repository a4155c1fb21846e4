"""The price of a network: `account` beside the programs that count by running it."""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.measure import ROUNDS, Table, time_interleaved
from benchmarks.peers import peer
from r2p1d_edu.cost.layers import account
from r2p1d_edu.networks.family import create_network

CLIP = (3, 16, 112, 112)


def bench_accounting(rounds: int = ROUNDS) -> Table:
    """Count the multiply-adds of R(2+1)D-18 in each way that is installed; each way's answer stands beside its time."""
    network = create_network("r2plus1d", midplanes="per_block").eval()
    counters = {"account": lambda: account(network, CLIP).macs} | peers(network)
    answers = {name: f"{count() / 1e9:.3f}" for name, count in counters.items()}
    return Table(
        "Accounting",
        f"Multiply-adds of r2plus1d_18 (torchvision's widths) for one clip of {'×'.join(map(str, CLIP))}",
        "account",
        time_interleaved(counters, rounds),
        {"GMAC": answers},
    )


def peers(network: nn.Module) -> dict[str, Callable[[], float]]:
    """Each counter that is installed, as a function that gives multiply-adds."""
    found = {}
    if fvcore := peer("fvcore.nn"):

        def by_fvcore() -> float:
            counter = fvcore.FlopCountAnalysis(network, torch.zeros(1, *CLIP))
            counter.set_op_handle("aten::batch_norm", lambda inputs, outputs: 0)
            return counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()

        found["fvcore"] = by_fvcore
    if torchinfo := peer("torchinfo"):
        found["torchinfo"] = lambda: torchinfo.summary(network, (1, *CLIP), device="cpu", verbose=0).total_mult_adds
    if ptflops := peer("ptflops"):
        quiet = {"print_per_layer_stat": False, "as_strings": False, "verbose": False, "backend": "aten"}
        found["ptflops"] = lambda: ptflops.get_model_complexity_info(network, CLIP, **quiet)[0]
    return found
