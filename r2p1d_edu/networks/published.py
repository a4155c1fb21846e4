"""What the authors published about their networks: Kinetics-400, validation set, 18 layers, trained from scratch.

The two sources differ by a few tenths of a point in every cell and must not be mixed. Accuracy is top-1 in percent, of
single clips or of videos (the average over 10 clips), at 112×112.
"""

from dataclasses import dataclass

# Tran et al., CVPR 2018, Table 2.
TABLE_2 = {
    #           8 frames    16 frames
    #           clip  video clip  video
    "r2d":      (46.7, 59.5, 47.0, 58.9),
    "f_r2d":    (48.1, 59.4, 50.3, 60.5),
    "r3d":      (49.4, 61.8, 52.5, 64.2),
    "mc2":      (50.2, 62.5, 53.1, 64.2),
    "mc3":      (50.7, 62.9, 53.7, 64.7),
    "mc4":      (50.5, 62.5, 53.7, 65.1),
    "mc5":      (50.3, 62.5, 53.7, 65.1),
    "rmc2":     (49.8, 62.1, 53.1, 64.9),
    "rmc3":     (49.8, 62.3, 53.2, 65.0),
    "rmc4":     (49.9, 62.3, 53.4, 65.1),
    "rmc5":     (49.4, 61.2, 52.1, 63.1),
    "r2plus1d": (52.8, 64.8, 56.8, 68.0),
}  # fmt: skip

# The models released later: facebookresearch/VMZ, c2/tutorials/models.md.
VMZ = {
    #           8 frames          16 frames
    #           clip  video top-5 clip  video top-5 (of videos)
    "r2d":      (47.0, 60.0, 81.2, 47.5, 59.4, 81.3),
    "f_r2d":    (48.5, 60.0, 81.8, 50.7, 60.9, 81.9),
    "r3d":      (49.8, 62.3, 83.4, 52.9, 64.7, 85.0),
    "mc2":      (50.6, 63.0, 83.8, 53.6, 64.8, 85.1),
    "mc3":      (51.1, 63.3, 84.2, 54.1, 65.2, 85.8),
    "mc4":      (50.9, 63.0, 84.2, 54.3, 65.6, 85.6),
    "mc5":      (50.7, 62.9, 84.2, 54.1, 65.6, 85.5),
    "rmc2":     (50.2, 62.7, 83.9, 53.5, 65.4, 85.5),
    "rmc3":     (50.2, 62.8, 83.7, 53.6, 65.5, 85.7),
    "rmc4":     (50.3, 62.8, 83.3, 53.9, 65.6, 85.3),
    "rmc5":     (49.7, 61.6, 83.1, 52.5, 63.5, 84.2),
    "r2plus1d": (53.2, 65.3, 85.2, 57.3, 68.5, 87.5),
}  # fmt: skip


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy in percent as published, and where."""

    clip: float
    video: float
    source: str


def published(network: str, frames: int) -> list[Accuracy]:
    """What is published for a network of the family at 8 or 16 frames: the paper first, then VMZ; or nothing."""
    if network not in TABLE_2 or frames not in (8, 16):
        return []
    first = frames // 8 - 1  # the numbers for 16 frames follow those for 8
    paper, released = TABLE_2[network][2 * first :], VMZ[network][3 * first :]
    return [Accuracy(paper[0], paper[1], "paper, Table 2"), Accuracy(released[0], released[1], "VMZ model zoo")]
