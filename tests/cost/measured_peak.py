"""Run as a program: the peak memory of real training steps on the CPU, in bytes, one line a network.

    MALLOC_MMAP_THRESHOLD_=65536 python measured_peak.py BATCH NETWORK:PRECISION…

The environment variable makes glibc give every larger block back to the system as soon as it is freed. Without it the
resident size would also hold what the allocator keeps for later, a sixth of the total for r2plus1d. Linux only.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional as F

from r2p1d_edu.networks.family import create_network

WIDTH, CLIP = 32, (3, 8, 112, 112)


def resident(key: str) -> int:
    """VmRSS, what is resident now, or VmHWM, the most that ever was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))


def train(name: str, width: int, batch: int, clip: tuple, precision: str) -> None:
    """Two steps, as the optimizer has no memory before the first."""
    network = create_network(name, width=width).to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(network.parameters())
    clips = torch.rand(batch, *clip).to(memory_format=torch.channels_last_3d)
    for _ in range(2):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = F.cross_entropy(network(clips), torch.zeros(batch, dtype=torch.long))
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    torch.set_num_threads(1)  # two would wait for each other where the machine is shared
    batch, *jobs = sys.argv[1:]
    for job in jobs:
        name, precision = job.split(":")
        train(name, 4, 1, (3, 8, 32, 32), precision)  # load what libraries load when they are first used
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM back to VmRSS
        train(name, WIDTH, int(batch), CLIP, precision)
        print(job, resident("VmHWM") - before)
