"""python docs/cluster.py: the tables of docs/cluster.md, worked out from `account`, `training_memory` and the bench."""

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from r2p1d_edu import account, create_network
from r2p1d_edu.cost.memory import training_memory
from r2p1d_edu.video.clips import resize_for

DOCS = Path(__file__).parent
CLIP, BATCH = (3, 16, 112, 112), 16
MARKS = "<!-- worked out by docs/cluster.py -->\n", "<!-- up to here -->\n"
TOGETHER = (1e12, 1e13, 1e14)  # multiply-adds a second of all processes


@dataclass(frozen=True)
class Plan:
    """What to train on: training videos, passes over them, and the frames of all videos, which are decoded once."""

    title: str
    videos: int
    passes: float
    frames: int


PLANS = (
    # 13,320 clips, 27 hours at 25 frames a second: Soomro, Zamir and Shah, CRCV-TR-12-01. 9,537 are in trainlist01.
    Plan("UCF101, fold 1", 9_537, 45, 27 * 3600 * 25),
    # 45 epochs of a million clips of about 240,000 videos: Tran et al., CVPR 2018, section 4.1; 10 s each, at 30 fps.
    Plan("Kinetics-400, as the paper", 240_000, 45e6 / 240_000, 240_000 * 10 * 30),
)


def tables() -> str:
    """The Markdown of both tables."""
    with torch.device("meta"):
        network = create_network("r2plus1d", depth=18)
    macs, here = account(network, CLIP).macs, rate_here()
    checkpoint = 3 * 4 * sum(parameter.numel() for parameter in network.parameters())  # weights and AdamW's two moments
    frame = 3 * resize_for(CLIP[2]) * round(resize_for(CLIP[2]) * 4 / 3)
    rates = [f"{rate / 1e12:g} TMAC/s" for rate in TOGETHER]
    lines = [
        row("", "clips", f"hours at {here / 1e12:.2f} TMAC/s", *(f"at {rate}" for rate in rates), "decoded frames, GB"),
        row(*["---"] * (4 + len(rates))),
    ]
    for plan in PLANS:
        clips = plan.videos * plan.passes
        hours = [f"{3 * macs * clips / rate / 3600:,.1f}" for rate in (here, *TOGETHER)]
        lines.append(row(plan.title, f"{clips:,.0f}", *hours, f"{plan.frames * frame / 1e9:,.0f}"))
    lines += ["", row("memory of a process, GiB", "32", "bf16"), row("---", "---", "---")]
    for batch in (BATCH // 2, BATCH, 2 * BATCH):
        needs = [training_memory(network, CLIP, batch, precision=precision).total for precision in ("32", "bf16")]
        lines.append(row(f"{batch} clips", *(f"{need / 2**30:.1f}" for need in needs)))
    lines += ["", f"A run's folder takes {4 * checkpoint / 1e9:.1f} GB: three checkpoints and one being written."]
    return "\n".join(lines) + "\n"


def rate_here() -> float:
    """Multiply-adds a second of a training step of r2plus1d_18 on the machine of benchmarks/RESULTS.md."""
    text = (DOCS.parent / "benchmarks" / "RESULTS.md").read_text("utf-8").partition("### Training step, r2plus1d_18")[2]
    clips = int(re.search(r"(\d+) clips of 16×112×112", text)[1])
    seconds = float(re.search(r"\| ours \| 1\.00 \| ([\d.]+) \|", text)[1])
    with torch.device("meta"):
        network = create_network("r2plus1d", depth=18, midplanes="per_block")
    return 3 * clips * account(network, CLIP).macs / seconds


def row(*cells: str) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    page = DOCS / "cluster.md"
    before, rest = page.read_text("utf-8").split(MARKS[0])
    page.write_text(before + MARKS[0] + tables() + MARKS[1] + rest.split(MARKS[1])[1], "utf-8")
