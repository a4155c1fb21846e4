"""The explorer in a notebook: Explorer(), Explorer("#network=mc3"), Explorer(clip=frames)."""

from importlib import import_module

import numpy as np
import traitlets

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.explorer import bundle
from r2p1d_edu.lab.stored import Lasting

TEXT = "The explorer, every network of the family to touch. It needs a notebook that runs, or explorer.html"
SIDE, LONGEST, GREYS = 8, 16, 9  # pixels and frames of a clip in the convolution view, and its brightest value

try:
    Base = import_module("anywidget").AnyWidget
except ImportError as missing:
    raise InputError('the explorer needs anywidget: pip install "r2p1d_edu[lab]"') from missing


class Explorer(Lasting, Base):
    """The explorer as a widget.

    Args:
        link: where to begin, as in the page's address: "#network=r3d&with=mc3", "#conv=2+1d&t=3".
        clip: a clip of your own for the convolution view, uint8 (T, H, W, 3) or (T, H, W); it is made small and grey.
        learnt: what record() took from networks of your own; by default from the course's four.

    Attributes:
        link: what is shown; set it to go there.
        choice: the network shown and the clip that it is to take, for create_network: network, kinds, depth, width,
            frames, size, num_classes, fusion.
    """

    _esm = traitlets.Unicode(bundle.module()).tag(sync=True)
    _css = traitlets.Unicode(bundle.css()).tag(sync=True)
    link = traitlets.Unicode("").tag(sync=True)
    choice = traitlets.Dict().tag(sync=True)
    clip = traitlets.List().tag(sync=True)
    learnt = traitlets.Dict().tag(sync=True)

    def __init__(self, link: str = "", clip: np.ndarray | None = None, learnt: dict | None = None, **traits):
        small = [] if clip is None else whole_numbers(clip)
        super().__init__(link=link, clip=small, learnt=learnt or bundle.recorded(), **traits)

    def _repr_mimebundle_(self, **options):
        """As anywidget's, with one line of text that says where it begins: saved notebooks stay the same."""
        data, metadata = super()._repr_mimebundle_(**options)
        return data | {"text/plain": TEXT + self.link}, metadata


def whole_numbers(clip: np.ndarray) -> list:
    """uint8 (T, H, W, 3) or (T, H, W) → at most 16 frames of 8×8 whole numbers from 0 to 9, each a mean of pixels."""
    clip = np.asarray(clip)
    if clip.dtype != np.uint8 or clip.ndim not in (3, 4) or clip.shape[3:] not in ((), (3,)) or 0 in clip.shape:
        raise InputError(f"a clip is uint8 (T, H, W, 3) or (T, H, W), not empty; got {clip.dtype} {clip.shape}")
    if min(clip.shape[1:3]) < SIDE:
        raise InputError(f"a clip needs {SIDE}×{SIDE} pixels or more; got {clip.shape[1]}×{clip.shape[2]}")
    grey = clip.mean(3) if clip.ndim == 4 else clip.astype(float)
    grey = grey[np.unique(np.linspace(0, len(grey) - 1, min(len(grey), LONGEST)).round().astype(int))]
    for axis in (1, 2):
        grey = np.stack([part.mean(axis) for part in np.array_split(grey, SIDE, axis)], axis)
    low, high = (grey.min(), grey.max()) if np.ptp(grey) else (0, 255)  # the darkest becomes 0, the brightest 9
    return ((grey - low) / (high - low) * GREYS).round().astype(int).tolist()
