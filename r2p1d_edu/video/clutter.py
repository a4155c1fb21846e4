"""`clutter`: a harder drawn dataset, told by appearance and by motion, with knobs for how hard it is.

Three classes are the shape of a textured figure, whatever it does: Cross, Ring and Pair, two discs. The others are
what a textured disc does: Climb and Slide go far, up and sideways, and Swell grows; Flow and Boil are fine motions of
the texture alone, which streams upwards or starts anew in each frame. Around the figure stand distractors, the camera
shakes. No class is another one backwards, and which frames a clip has, in whatever order, says something of all
eight: so there is no arithmetic ceiling here as there is on `arrow`. Every class is its own mirror image. The files
lie in UCF101's layout; nothing is downloaded.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from r2p1d_edu.video.arrow import SIDE, contrasting_colour, draw_background, draw_shape, write_drawn

FRAMES, CELL = 16, 8  # of a video; the side of a patch of texture
CLASSES = ("Boil", "Climb", "Cross", "Flow", "Pair", "Ring", "Slide", "Swell")
# What a disc does; a figure of another shape does one of these as well, which says nothing.
MOTIONS = ("Boil", "Climb", "Flow", "Slide", "Swell")


@dataclass(frozen=True)
class Knobs:
    """How hard the dataset is; lengths are in pixels of the 64×64 frames."""

    radius: tuple[float, float] = (14.0, 20.0)  # of the figure
    contrast: float = 1.0  # of the figure with the background: 1 is that of `arrow`
    distractors: int = 1  # of any shape, half as large and half as strong
    shake: float = 0.2  # standard deviation of the camera's place in each frame
    grain: float = 15.0  # standard deviation of the texture, of 255
    travel: float = 28.0  # how far Climb and Slide go in a video
    swell: float = 0.8  # by how much of its radius Swell grows in a video
    flow: float = 4.0  # how far Flow's texture moves in a frame


def write_clutter(
    folder: str | Path,
    clips_per_group: int = 10,
    seed: int = 0,
    frames: int = FRAMES,
    knobs: Knobs = Knobs(),
    progress=None,
) -> Path:
    """Write the dataset to `folder`, as `write_arrow` does: 2,000 videos of 16 `frames`, 64×64, by default.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    settings = {"dataset": "clutter", "version": 1, "clips_per_group": clips_per_group, "seed": seed, "frames": frames}

    def draw(name: str, group: int, clip: int) -> np.ndarray:
        return draw_clip(name, group, clip, seed, frames, knobs)

    return write_drawn(Path(folder), CLASSES, settings | asdict(knobs), draw, progress)


def draw_clip(
    name: str,
    group: int,
    clip: int,
    seed: int = 0,
    frames: int = FRAMES,
    knobs: Knobs = Knobs(),
) -> np.ndarray:
    """Draw one clip: uint8 (frames, 64, 64, 3). `group` sets the scene, the same for every class; `clip` the rest."""
    rng = np.random.default_rng((seed, 1, CLASSES.index(name), group, clip))
    picture = draw_background(np.random.default_rng((seed, 1, group)), rng)
    camera = rng.normal(0, knobs.shake, (2, frames))
    film = np.stack(list(shaken(picture, camera)))
    colour = picture.mean((0, 1)) + knobs.contrast * (contrasting_colour(picture, rng) - picture.mean((0, 1)))
    for _ in range(knobs.distractors):
        shape, (x, y) = rng.choice(["cross", "disc", "ring", "square", "triangle"]), rng.uniform(0, SIDE, 2)
        way = rng.normal(0, 6, 2)[:, None] * np.linspace(-1, 1, frames)
        radius = np.full(frames, rng.uniform(*knobs.radius) / 2)
        cover = draw_shape(shape, x + way[0] + camera[0], y + way[1] + camera[1], radius, rng.uniform(0, 6))
        film += 0.5 * cover[..., None] * (rng.permutation(colour) - film)
    motion = name if name in MOTIONS else str(rng.choice(MOTIONS))
    x, y, radius, texture = move(motion, frames, knobs, rng)
    x, y = x + camera[0], y + camera[1]
    cover = draw_figure("disc" if name in MOTIONS else name.lower(), x, y, radius, rng.uniform(0, 6))
    grain = np.kron(rng.normal(0, knobs.grain, (SIDE // CELL, SIDE // CELL)), np.ones((CELL, CELL)))
    places = np.rint(np.stack([y, x]) + texture).astype(int).T
    surface = np.stack([np.roll(grain, place, (0, 1)) for place in places])
    film += cover[..., None] * (colour + surface[..., None] - film)
    film += rng.uniform(1, 5) * rng.standard_normal(film.shape, dtype=np.float32)
    return film.clip(0, 255).astype(np.uint8)


def draw_figure(shape: str, x: np.ndarray, y: np.ndarray, radius: np.ndarray, angle: float) -> np.ndarray:
    """As draw_shape, and "pair": two discs that touch."""
    if shape != "pair":
        return draw_shape(shape, x, y, radius, angle)
    dx, dy = 0.6 * radius * np.cos(angle), 0.6 * radius * np.sin(angle)
    return sum(draw_shape("disc", x + side * dx, y + side * dy, 0.6 * radius, 0) for side in (-1, 1)).clip(0, 1)


def shaken(picture: np.ndarray, camera: np.ndarray) -> Iterator[np.ndarray]:
    """The background (H, W, 3) as the camera sees it, frame by frame; its edge goes on where it ends."""
    most = int(np.abs(camera).max()) + 1
    padded = np.pad(picture, ((most, most), (most, most), (0, 0)), "edge")
    for x, y in most - np.rint(camera).astype(int).T:
        yield padded[y : y + SIDE, x : x + SIDE]


def move(motion: str, frames: int, knobs: Knobs, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Of the figure in each frame: x, y, radius, and how far the texture has moved on it, (2, frames), y and x."""
    x, y = rng.uniform(22, SIDE - 22, 2)
    way, far = rng.uniform(0, 2 * np.pi), rng.uniform(0, 5) * np.linspace(-1, 1, frames)
    x, y, texture = x + far * np.cos(way), y + far * np.sin(way), np.zeros((2, frames))
    radius = np.full(frames, rng.uniform(*knobs.radius))
    along = rng.uniform(0.7, 1.3) * np.linspace(-0.5, 0.5, frames)
    match motion:
        case "Climb":
            y = y - knobs.travel * along
        case "Slide":
            x = x + rng.choice([-1, 1]) * knobs.travel * along
        case "Swell":
            radius = radius * (1 + knobs.swell * along)
        case "Flow":
            texture[0] = -knobs.flow * np.arange(frames)
        case "Boil":
            texture = rng.uniform(0, SIDE, (2, frames))
    return x, y, radius, texture
