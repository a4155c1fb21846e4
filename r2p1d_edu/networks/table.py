"""The family as a table: parameters and multiply-adds as computed here, accuracy as published."""

import torch

from r2p1d_edu.cost.layers import account
from r2p1d_edu.cost.report import text_table
from r2p1d_edu.networks.family import FAMILY, create_network
from r2p1d_edu.networks.published import published

NOTES = (
    "Parameters and GMAC are computed here: 400 classes, depth 18, one clip of 112×112; 1 GMAC = 10⁹ multiply-adds, "
    "which papers print as GFLOPs.",
    "paper: Kinetics-400 top-1 in %, Tran et al., CVPR 2018, Table 2; a video is the average of 10 clips.",
    "VMZ: the same for the models released later, facebookresearch/VMZ, c2/tutorials/models.md. Do not mix the two.",
)
COLUMNS = ("network", "frames", "parameters", "GMAC", "paper clip", "paper video", "VMZ clip", "VMZ video")


def family_table() -> list[dict]:
    """A dict a row, by COLUMNS: the twelve networks at 8 and at 16 frames."""
    rows = []
    for frames in (8, 16):
        for name in FAMILY:
            with torch.device("meta"):  # shapes alone: no weight is drawn
                network = create_network(name, frames=frames)
            cost = account(network, (3, frames, 112, 112))
            accuracies = [value for item in published(name, frames) for value in (item.clip, item.video)]
            values = (name, frames, cost.params, round(cost.macs / 1e9, 3), *accuracies)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def format_table(rows: list[dict]) -> str:
    """The rows as aligned text, with the sources below."""
    body = [[format_cell(key, value) for key, value in row.items()] for row in rows]
    _, header, *lines = text_table("", list(COLUMNS), body).splitlines()
    return "\n".join([header, "-" * len(header), *lines, "", *NOTES])


def format_cell(column: str, value: object) -> str:
    """A cell as text: thousands marked in counts, three decimals for GMAC, as published for accuracies."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if column == "GMAC" else str(value)
