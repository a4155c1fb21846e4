"""The network builder: a menu for each of five groups of convolutions; the paper's networks are presets."""

from pathlib import Path

import ipywidgets
from matplotlib.figure import Figure

from r2p1d_edu.errors import check_choice
from r2p1d_edu.lab.drawing import KINDS
from r2p1d_edu.lab.network_figure import ROWS, STAGES, Plan, draw_networks, name_of
from r2p1d_edu.lab.palette import title
from r2p1d_edu.lab.widgets.panel import ControlPanel
from r2p1d_edu.lab.widgets.tiny_training import Network, TinyTraining
from r2p1d_edu.networks.resnet import DEPTHS, GROUP_KINDS, STEM_KINDS

OWN, NONE = "your own", "none"
WIDTHS = (8, 16, 32, 64, 96, 128)
# The control that chooses a whole network → the five menus that it sets.
MENUS = {"network": tuple(STAGES.values()), "compare": tuple(f"second_{stage}" for stage in STAGES.values())}
SKELETON = ("depth", "width", "frames", "size")


def plans_of(values: dict) -> list[Plan]:
    """What the controls say: one network, or two to compare, in the same skeleton and for the same clip."""
    skeleton = {key: values[key] for key in SKELETON}
    rows = [[values[menu] for menu in menus] for preset, menus in MENUS.items() if values[preset] != NONE]
    return [Plan(tuple(row), **skeleton) for row in rows]


def draw_builder(**values) -> tuple[Figure, str]:
    """The picture and the words for the values of all controls.

    Raises:
        InputError: a network that cannot take such a clip.
    """
    return draw_networks(plans_of(values))


class NetworkBuilder(ControlPanel):
    """One network or two: a preset, or a kind for each of the five groups. Depth, width and clip are shared.

    A preset sets its five menus. A menu sets the preset: to the network that has such a row, or to "your own". Below,
    *Train it* trains the tiny version (tiny_training.py).

    Args:
        network, compare: the presets to begin with; compare="none" shows one network.
        data: the folder for the dataset that *Train it* uses.

    Raises:
        InputError: an unknown preset.
    """

    def __init__(self, network: str = "r2plus1d", compare: str = NONE, data: str | Path = "../data"):
        check_choice(network, ROWS, "network")
        check_choice(compare, (*ROWS, NONE), "network to compare with")
        controls = {"network": preset_menu("network", OWN), "compare": preset_menu("compare with", OWN, NONE)}
        for menus in MENUS.values():
            controls |= {menu: kind_menu(menu) for menu in menus}
        controls["depth"] = narrow(ipywidgets.Dropdown(options=list(DEPTHS), value=18, description="depth"), 110)
        controls["width"] = narrow(ipywidgets.Dropdown(options=WIDTHS, value=64, description="width"), 120)
        controls["frames"] = ipywidgets.IntSlider(16, min=1, max=32, description="frames")
        controls["size"] = ipywidgets.IntSlider(112, min=8, max=224, step=8, description="size in pixels")
        for preset, name in (("network", network), ("compare", compare)):
            controls[preset].value = name
            for menu, kind in zip(MENUS[preset], ROWS.get(name, ROWS["r3d"]), strict=True):
                controls[menu].value = kind
        rows = [("network", "compare", "depth", "width"), *MENUS.values(), ("frames", "size")]
        super().__init__(draw_builder, controls, rows)
        self.training = TinyTraining(self.chosen, data)
        self.children = (*self.children, self.training)

    def chosen(self) -> list[Network]:
        """The one or two networks, by name, or by their kinds where they have none."""
        return [name_of(plan.kinds) or plan.kinds for plan in plans_of(self.values())]

    def set(self, **values) -> None:
        """Set several controls and redraw once; a preset brings its five menus along."""
        menus = {}
        for preset in MENUS:
            menus |= dict(zip(MENUS[preset], ROWS.get(values.get(preset), ()), strict=False))
        super().set(**menus | values)

    def redraw(self, change=None) -> None:
        """Draw what the controls say, after presets and menus have been brought to agree."""
        for preset, menus in MENUS.items():
            control = self.controls[preset]
            if change and change["owner"] is control and control.value in ROWS:
                return self.set(**{preset: control.value})
            for menu in menus:
                self.controls[menu].disabled = control.value == NONE
            if control.value != NONE:
                name = name_of([self.controls[menu].value for menu in menus]) or OWN
                control.unobserve(self.redraw, names="value")
                control.value = name
                control.observe(self.redraw, names="value")
        return super().redraw()


def preset_menu(description: str, *others: str) -> ipywidgets.Dropdown:
    """A menu of the course's networks, and of `others`."""
    options = [*((title(name), name) for name in ROWS), *((name, name) for name in others)]
    return narrow(ipywidgets.Dropdown(options=options, description=description), 230)


def kind_menu(name: str) -> ipywidgets.Dropdown:
    """A menu of the kinds of convolution that a stage, "conv1" or "second_conv1" say, can have."""
    stage = name.removeprefix("second_")
    kinds = STEM_KINDS if stage == "conv1" else GROUP_KINDS
    options = [("all frames as channels" if kind == "stacked" else KINDS[kind][0], kind) for kind in kinds]
    tooltip = f"{stage} of the {'second' if name != stage else 'first'} network"
    menu = ipywidgets.Dropdown(options=options, description=stage, tooltip=tooltip)
    return narrow(menu, 215 if stage == "conv1" else 165)


def narrow(control: ipywidgets.Widget, pixels: int) -> ipywidgets.Widget:
    """The same control, so many pixels wide."""
    control.layout.width = f"{pixels}px"
    return control
