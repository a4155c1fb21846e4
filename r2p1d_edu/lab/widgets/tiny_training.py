"""Train it: trains one or two tiny networks on `arrow`, with the live plot, while the notebook stays usable."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import ipywidgets

from r2p1d_edu.errors import Diverged, InputError, check_choice, failure
from r2p1d_edu.lab.live import LivePlot
from r2p1d_edu.lab.palette import title
from r2p1d_edu.lab.stored import Lasting
from r2p1d_edu.lab.widgets.panel import alert, status, with_fallback
from r2p1d_edu.networks.family import CONTROLLED, FAMILY
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.recipe import TINY, Recipe
from r2p1d_edu.video.arrow import ORDER_BLIND_CEILING, write_arrow

Network = str | tuple[str, ...]  # a name, or five kinds of convolution
ROWS = FAMILY | CONTROLLED
NOTHING = ""  # beside the first network
FRAMES, SIZE, EPOCHS = 8, 40, 4
WHAT = (
    f"Trains the tiny version of what is chosen (depth {TINY['depth']}, width {TINY['width']}, {FRAMES} frames of"
    f" {SIZE}×{SIZE}, {EPOCHS} epochs) on <i>arrow</i>, 8 classes of moving shapes, and tests it: about a minute for"
    f" each network on two cores. The dataset is made the first time. The dashed line at {ORDER_BLIND_CEILING:.1%} is"
    " the most that a network can reach which does not know the order of the frames."
)


def tiny_recipe(network: Network, folder: Path) -> Recipe:
    """How the tiny version of a network is trained; `folder` holds the dataset."""
    return Recipe(str(folder / "videos"), network=network, options=TINY, frames=FRAMES, size=SIZE, epochs=EPOCHS)


class PlotInWidget(LivePlot):
    """The live plot inside another widget: an HTML widget's value is replaced, instead of a cell's output."""

    def __init__(self, place: ipywidgets.HTML, **options):
        self.place = place
        super().__init__(**options)

    def _show(self, last: bool = False) -> None:
        self._drawn = time.monotonic()
        self.place.value = self.svg()


class TinyTraining(Lasting, ipywidgets.VBox):
    """Menus for one or two networks, the buttons Train it and Stop, a line that says what goes on, and the live plot.

    Training runs in a thread of its own, so that Stop and everything else in the notebook still answer. Stop ends it
    after the step under way. Only one trains at a time: a new widget, as when its cell runs again, stops the old one.
    No button is ever disabled, since that would take the keyboard's focus away.

    Args:
        networks: one or two to begin with, by name or as a row of five kinds of your own, which joins the menus.
        data: the folder that holds the dataset `arrow`, or is to hold it.

    Raises:
        InputError: more networks, none, or one of a name that is not in the family.
    """

    training: ClassVar["TinyTraining | None"] = None  # the one that trains, or did last

    def __init__(self, *networks: str | Sequence[str], data: str | Path = "../data"):
        if len(networks) not in (1, 2):
            raise InputError(f"{len(networks)} networks to train; give one, or two to compare")
        given: list[Network] = [name if isinstance(name, str) else tuple(name) for name in networks]
        first, second = [*given, NOTHING][:2]
        for name in (first, second):
            if isinstance(name, str):
                check_choice(name, (*ROWS, NOTHING), "network")
        names = [(title(name), name) for name in dict.fromkeys([*ROWS, *given])]
        self.data = Path(data)
        self.menus = (
            ipywidgets.Dropdown(options=names, value=first, description="network"),
            ipywidgets.Dropdown(options=[("nothing", NOTHING), *names], value=second, description="and beside it"),
        )
        for menu in self.menus:
            menu.style.description_width = "initial"
        self.start_button = ipywidgets.Button(description="Train it", icon="play", button_style="primary")
        self.stop_button = ipywidgets.Button(description="Stop", icon="stop")
        self.status, self.plot = ipywidgets.HTML(f"<p>{WHAT}</p>"), ipywidgets.HTML()
        self.results: dict[Network, str] = {}
        self.thread: threading.Thread | None = None
        self.asked_to_stop = threading.Event()
        self.start_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        self.stop_the_other()
        row = ipywidgets.HBox([*self.menus, self.start_button, self.stop_button])
        row.layout.flex_flow = "row wrap"
        super().__init__([row, self.status, self.plot])

    def chosen(self) -> list[Network]:
        """What the menus say, once each."""
        return [name for name in dict.fromkeys(menu.value for menu in self.menus) if name != NOTHING]

    def start(self) -> None:
        """Train what is chosen now, in the background; nothing happens while training goes on already."""
        if self.thread and self.thread.is_alive():
            return
        self.stop_the_other()
        TinyTraining.training = self
        self.thread = threading.Thread(target=self.run, args=(self.chosen(),), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End training after the step under way, if it goes on."""
        if self.thread and self.thread.is_alive():
            self.asked_to_stop.set()

    def stop_the_other(self) -> None:
        """Stop the widget that trains, unless it is this one."""
        other = TinyTraining.training
        if other and other is not self:
            other.stop()

    def run(self, networks: Sequence[Network]) -> None:
        """Train and test these networks and return when it is done; what was wrong, if anything, is shown in place."""
        self.results = {}
        self.start_button.button_style, self.stop_button.button_style = "", "warning"
        try:
            folder = write_arrow(self.data / "arrow", progress=self.watched("making the dataset, video"))
            live = PlotInWidget(self.plot, title="Tiny networks on arrow", ceiling=ORDER_BLIND_CEILING)
            for network in networks:
                self.train_one(network, folder, live)
            self.say("Done.")
        except KeyboardInterrupt:
            self.say("Stopped.")
        except (InputError, Diverged) as error:
            self.status.value = alert(error)
        except Exception as error:  # nobody else would show it: it would end this thread in silence
            reason, line = failure(error)
            self.status.value = alert(f"Training failed with {reason}" + f", in the line {line}" * bool(line))
        finally:
            self.asked_to_stop.clear()
            self.start_button.button_style, self.stop_button.button_style = "primary", ""

    def train_one(self, network: Network, folder: Path, live: LivePlot) -> None:
        """Train one network into the live plot, then test it.

        Raises:
            KeyboardInterrupt: it was stopped.
        """
        name = title(network)
        live.start(network)

        def on_start(steps: int) -> None:
            live.plan(steps)
            self.say(f"Training {name}, {steps} steps")

        def on_row(row: dict) -> None:
            live.update(row)
            self.go_on()

        self.say(f"{name}: looking at the videos")
        run = train(
            tiny_recipe(network, folder),
            on_start=on_start,
            on_row=on_row,
            progress=self.watched(f"{name}: reading video"),
        )
        live.close()
        if run.interrupted:
            raise KeyboardInterrupt
        self.results[network] = str(run.test(clips_per_video=1, progress=self.watched(f"Testing {name}: batch")))

    def watched(self, what: str) -> Callable[[Sequence], Iterator]:
        """A progress bar in words: wraps a sequence, and ends with KeyboardInterrupt where Stop was pressed."""

        def wrap(things: Sequence) -> Iterator:
            for number, thing in enumerate(things, 1):
                self.go_on()
                if number % 20 == 1:
                    self.say(f"{what} {number:,} of {len(things):,}")
                yield thing

        return wrap

    def go_on(self) -> None:
        """Raise KeyboardInterrupt if Stop was pressed."""
        if self.asked_to_stop.is_set():
            raise KeyboardInterrupt

    def say(self, what: str) -> None:
        """Show a line, and below it the results so far."""
        lines = [what, *(f"{title(network)}: {result}" for network, result in self.results.items())]
        self.status.value = "".join(map(status, lines))

    def _repr_mimebundle_(self, **options):
        networks = " and ".join(map(title, self.chosen()))
        return with_fallback(super()._repr_mimebundle_(**options), f"Train it: {networks}; press the button to begin")
