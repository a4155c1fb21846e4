"""`arrow`: a small dataset in which, for six of its eight classes, the order of the frames is the only clue.

Three pairs of classes are each other's time reversal: Rise and Fall, Approach and Recede, Gather and Scatter. The other
two, Ring and Cross, drift anywhere and are settled by the shape in any single frame. The files lie in UCF101's layout:
class folders, v_<Class>_gGG_cCC.avi, groups that share a scene, class list and three folds. Nothing is downloaded.

Why no network that ignores the order of frames gets more than 5/8 right. A clip of Fall *is* a clip of Rise run
backwards: `draw_clip` draws the latter and reverses it. So if X is a random Rise clip, its reversal X' is a random Fall
clip, with the same frames. An order-blind classifier f answers alike on both, f(X) = f(X'), and then

    P(f is right on Rise) + P(f is right on Fall) = P(f(X) = Rise) + P(f(X) = Fall) ≤ 1.

Each pair thus yields at most 1 of its 2, the two shapes at most 2: (3·1 + 2) / 8 = 5/8. Training clips start at a
uniform place and every frame is compressed alone (Motion JPEG), so neither the sampling nor the codec tells the
direction. Every class is its own mirror image, so flipping clips left to right is harmless. Only a clip longer than
the video would tell: it repeats the last frame, so write longer videos for longer clips.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from tqdm import tqdm

from r2p1d_edu.errors import InputError
from r2p1d_edu.folders import make_once
from r2p1d_edu.video.decode import write_video
from r2p1d_edu.video.ucf101 import LISTS, write_lists

FRAMES, SIDE, GROUPS = 12, 64, 25
BAR = {"unit": "video", "delay": 1, "mininterval": 0.5, "leave": False}  # seconds
REVERSED = {"Fall": "Rise", "Recede": "Approach", "Scatter": "Gather"}  # drawn as the other, then run backwards
CLASSES = ("Approach", "Cross", "Fall", "Gather", "Recede", "Ring", "Rise", "Scatter")
ORDER_BLIND_CEILING = 5 / 8


def write_arrow(
    folder: str | Path, clips_per_group: int = 10, seed: int = 0, frames: int = FRAMES, progress=None
) -> Path:
    """Write the dataset to `folder`: `videos/` and `ucfTrainTestlist/`. The same seed gives the same files.

    8 classes × 25 groups × `clips_per_group` videos of 12 `frames`, 64×64, 25 a second: 2,000 by default. With more
    frames the same motion takes longer. A dataset of the same settings that is there already is kept.

    Args:
        progress: wraps the list of videos while they are drawn; by default a bar, where that takes over a second.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    settings = {"dataset": "arrow", "version": 1, "clips_per_group": clips_per_group, "seed": seed, "frames": frames}
    return write_drawn(Path(folder), CLASSES, settings, lambda *which: draw_clip(*which, seed, frames), progress)


def write_drawn(
    folder: Path, classes: Sequence[str], settings: dict, draw: Callable[[str, int, int], np.ndarray], progress=None
) -> Path:
    """Write the videos that draw(class, group, clip) gives, with lists and settings, unless they are there already.

    Raises:
        InputError: settings that cannot be, or a folder that holds something else or cannot be written.
    """
    name, clips, seed, frames = (settings[key] for key in ("dataset", "clips_per_group", "seed", "frames"))
    if clips < 1 or seed < 0 or frames < 2:
        raise InputError(f"clips per group is {clips}, seed {seed}, frames {frames}; give at least 1, 0 and 2")
    stored = json.dumps(settings)

    def check(folder: Path) -> None:
        with suppress(OSError, ValueError):
            if json.loads((folder / f"{name}.json").read_text("utf-8")) == json.loads(stored):
                return
        raise InputError(f"{folder}: already holds something else than this dataset; choose another folder")

    def make(folder: Path) -> None:
        for label in classes:
            (folder / "videos" / label).mkdir(parents=True)
        names = list(clip_names(classes, clips))

        def write(path: str, *which) -> None:
            write_video(folder / "videos" / path, draw(*which))

        with ThreadPoolExecutor(2) as pool:  # NumPy and FFmpeg let go of Python's lock
            try:
                drawn = [pool.submit(write, *each) for each in names]
                for written in progress(drawn) if progress else tqdm(drawn, f"drawing {name}", **BAR):
                    written.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        numbers = {label: number for number, label in enumerate(classes, 1)}
        write_lists(folder / LISTS, numbers, [path for path, *_ in names])
        (folder / f"{name}.json").write_text(stored, "utf-8")

    return make_once(folder, make, check)


def clip_names(classes: Sequence[str], clips_per_group: int) -> Iterator[tuple[str, str, int, int]]:
    """(path, class, group, clip) of every video."""
    for name in classes:
        for group in range(1, GROUPS + 1):
            for clip in range(1, clips_per_group + 1):
                yield f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi", name, group, clip


def draw_clip(name: str, group: int, clip: int, seed: int = 0, frames: int = FRAMES) -> np.ndarray:
    """Draw one clip: uint8 (frames, 64, 64, 3). `group` sets the scene, the same for every class; `clip` the rest."""
    if name in REVERSED:
        return draw_clip(REVERSED[name], group, clip, seed, frames)[::-1].copy()
    rng = np.random.default_rng((seed, CLASSES.index(name), group, clip))
    picture = draw_background(np.random.default_rng((seed, group)), rng)
    colour = contrasting_colour(picture, rng)
    shape = name.lower() if name in ("Ring", "Cross") else rng.choice(["disc", "square", "triangle"])
    places = MOTIONS.get(name, drift)(rng, frames)
    cover = sum(draw_shape(shape, *place) for place in places).clip(0, 1)  # (T, H, W)
    film = cover[..., None] * (colour - picture)  # then in place, for memory that is new takes longer than sums
    film += picture
    noise = rng.uniform(1, 5) * rng.standard_normal(film.shape, dtype=np.float32)
    film += noise
    return film.clip(0, 255, out=film).astype(np.uint8)


def draw_background(scene: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    """A smooth field and up to three blobs, placed by the scene and coloured by the clip: (H, W, 3)."""
    coarse = scene.random((5, 5))
    grid = np.linspace(0, 3.999, SIDE)
    low, part = grid.astype(int), grid % 1
    rows = coarse[low] * (1 - part[:, None]) + coarse[low + 1] * part[:, None]
    field = (rows[:, low] * (1 - part) + rows[:, low + 1] * part)[..., None]
    one = rng.uniform(40, 215, 3)
    other = one + rng.uniform(-40, 40, 3)
    picture = one + field * (other - one)
    for _ in range(scene.integers(4)):
        x, y, radius = scene.uniform(0, SIDE, 1), scene.uniform(0, SIDE, 1), scene.uniform(2, 5, 1)
        blob = draw_shape("disc", x, y, radius, 0.0)[0, ..., None]
        picture = picture + 0.6 * blob * (rng.uniform(30, 225, 3) - picture)
    return picture.astype(np.float32)


def contrasting_colour(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random colour that can be told from the average of the background."""
    mean = picture.mean((0, 1))
    colours = rng.uniform(0, 255, (16, 3))
    far = colours[np.abs(colours - mean).sum(1) > 240]
    return (far[0] if len(far) else 255 - mean).astype(np.float32)


Place = tuple[np.ndarray, np.ndarray, np.ndarray, float]  # x, y and radius in each frame, and the angle


def rise(rng: np.random.Generator, frames: int) -> list[Place]:
    """One shape goes up, at its own speed and size, swaying a little."""
    travel = rng.uniform(24, 44)
    y = rng.uniform(travel + 6, SIDE - 6) - travel * np.linspace(0, 1, frames)
    x = rng.uniform(14, SIDE - 14) + rng.uniform(0, 5) * np.sin(np.linspace(0, 3, frames) + rng.uniform(0, 6))
    return [(x, y, np.full(frames, rng.uniform(7, 12)), rng.uniform(0, 6))]


def approach(rng: np.random.Generator, frames: int) -> list[Place]:
    """One shape grows where it is."""
    x, y = (np.full(frames, value) for value in rng.uniform(20, SIDE - 20, 2))
    return [(x, y, np.linspace(rng.uniform(5, 8), rng.uniform(16, 24), frames), rng.uniform(0, 6))]


def gather(rng: np.random.Generator, frames: int) -> list[Place]:
    """Four or five small shapes draw together around a centre."""
    number, turn = rng.integers(4, 6), rng.uniform(0, 6)
    x, y = rng.uniform(26, SIDE - 26, 2)
    distance = np.linspace(rng.uniform(22, 27), rng.uniform(7, 9), frames)
    radius, angle = np.full(frames, rng.uniform(5.5, 7)), rng.uniform(0, 6)
    around = [turn + 2 * np.pi * i / number for i in range(number)]
    return [(x + distance * np.cos(a), y + distance * np.sin(a), radius, angle) for a in around]


def drift(rng: np.random.Generator, frames: int) -> list[Place]:
    """One shape moves a little, in any direction: what it does says nothing, which shape it is says all."""
    way, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0, 10) * np.linspace(-1, 1, frames)
    x, y = rng.uniform(24, SIDE - 24, 2)
    radius = np.full(frames, rng.uniform(13, 19))
    return [(x + distance * np.cos(way), y + distance * np.sin(way), radius, rng.uniform(0, 6))]


MOTIONS: dict[str, Callable[[np.random.Generator, int], list[Place]]] = {
    "Rise": rise,
    "Approach": approach,
    "Gather": gather,
}


def draw_shape(shape: str, x: np.ndarray, y: np.ndarray, radius: np.ndarray, angle: float) -> np.ndarray:
    """How much of each pixel the shape covers, 0 to 1, in each frame: (T, H, W), edges smooth over one pixel."""
    pixels = np.arange(SIDE, dtype=np.float32) + 0.5
    dx = pixels[None, None, :] - x.astype(np.float32)[:, None, None]
    dy = pixels[None, :, None] - y.astype(np.float32)[:, None, None]
    r = radius.astype(np.float32)[:, None, None]
    u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    match shape:  # signed distance to the outline, negative inside
        case "disc":
            distance = np.hypot(u, v) - r
        case "ring":
            distance = np.abs(np.hypot(u, v) - 0.78 * r) - 0.22 * r
        case "square":
            distance = np.maximum(np.abs(u), np.abs(v)) - 0.85 * r
        case "triangle":
            distance = np.maximum(v, np.abs(u) * 0.866 - v * 0.5) - 0.6 * r
        case "cross":
            long, short = np.maximum(np.abs(u), np.abs(v)), np.minimum(np.abs(u), np.abs(v))
            distance = np.maximum(long - r, short - 0.28 * r)
    return (0.5 - distance).clip(0, 1)
