"""Pick network, data and device: menus whose choice the cells of a lesson read."""

from contextlib import suppress
from pathlib import Path

import ipywidgets

from r2p1d_edu.errors import InputError
from r2p1d_edu.lab.palette import title
from r2p1d_edu.lab.stored import Lasting
from r2p1d_edu.lab.widgets.panel import alert, status, with_fallback
from r2p1d_edu.networks.family import FAMILY
from r2p1d_edu.training.device import choose_device
from r2p1d_edu.training.recipe import DEVICES
from r2p1d_edu.video.arrow import write_arrow
from r2p1d_edu.video.ucf101 import LISTS, Split, load_split

ARROW = "arrow"


def list_datasets(data: Path) -> list[str]:
    """The names of the datasets in a folder: `videos` with split lists; `arrow` comes first, since it can be made."""
    found = {path.parent.parent.name for path in data.glob(f"*/{LISTS}/classInd.txt")}
    return [ARROW, *sorted(name for name in found - {ARROW} if (data / name / "videos").is_dir())]


def devices() -> list[str]:
    """ "auto" and what is there."""
    there = []
    for name in DEVICES:
        with suppress(InputError):
            choose_device(name)
            there.append(name)
    return there


class RunMenu(Lasting, ipywidgets.VBox):
    """Menus for a network that is to be trained, for its videos and for the device, and a line on the choice.

    Cells below read `network`, `device` and `split()` when they run; left alone, the menus say R(2+1)D on `arrow`.

    Args:
        data: the folder that holds the datasets.
        without: networks that are not offered.
    """

    def __init__(self, data: str | Path = "../data", without: tuple[str, ...] = ()):
        self.folder = Path(data)
        names = [(title(name), name) for name in FAMILY if name not in without]
        self.network_menu = ipywidgets.Dropdown(description="network", options=names, value="r2plus1d")
        self.data_menu = ipywidgets.Dropdown(description="data", options=list_datasets(self.folder))
        self.path = ipywidgets.Text(description="or a folder", placeholder="…/videos, with the split lists beside it")
        self.device_menu = ipywidgets.Dropdown(description="device", options=devices())
        self.line = ipywidgets.HTML()
        controls = (self.network_menu, self.data_menu, self.path, self.device_menu)
        for control in controls:
            control.style.description_width = "initial"
            control.observe(self.say, names="value")
        wrap = ipywidgets.Layout(flex_flow="row wrap")
        super().__init__([ipywidgets.HBox(controls, layout=wrap), self.line])
        self.say()

    @property
    def network(self) -> str:
        """The name of the chosen network."""
        return self.network_menu.value

    @property
    def device(self) -> str:
        """The chosen device, for Recipe(device=…)."""
        return self.device_menu.value

    @property
    def videos(self) -> Path:
        """The folder of class folders that is chosen: the typed one, if any."""
        typed = self.path.value.strip()
        return Path(typed) if typed else self.folder / self.data_menu.value / "videos"

    @property
    def is_arrow(self) -> bool:
        """Whether the videos are `arrow`'s, which are drawn where they are missing."""
        return not self.path.value.strip() and self.data_menu.value == ARROW

    def split(self) -> Split:
        """Fold 1 of the chosen videos; `arrow` is drawn first, if need be.

        Raises:
            InputError: the folder is not there, or has no lists.
        """
        if self.is_arrow:
            write_arrow(self.folder / ARROW)
        return load_split(self.videos)

    def words(self) -> str:
        """The choice in a line."""
        chosen = f"{title(self.network)} on {self.videos}, device {self.device}"
        if self.is_arrow and not self.videos.is_dir():
            return f"{chosen}: 2,000 videos, to be drawn first"
        split = load_split(self.videos)
        return (
            f"{chosen}: {len(split.train):,} training and {len(split.test):,} test videos in "
            f"{len(split.classes)} classes ({split.title})"
        )

    def say(self, _change=None) -> None:
        """Show the choice, or in its place what is wrong with it."""
        try:
            self.line.value = status(self.words())
        except InputError as error:
            self.line.value = alert(error)

    def _repr_mimebundle_(self, **options):
        chosen = f"network {title(self.network)}, data {self.videos}, device {self.device}"
        return with_fallback(super()._repr_mimebundle_(**options), chosen)
