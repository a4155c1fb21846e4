"""python docs/pictures.py FOLDER: the README's pictures, made by the widgets' own drawing functions."""

import json
import sys
from base64 import b64decode
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from r2p1d_edu.lab.figures import figure_png
from r2p1d_edu.lab.widgets.builder import NetworkBuilder
from r2p1d_edu.lab.widgets.matching_bench import MatchingBench


def main(folder: Path) -> None:
    """Write builder.png, matching_bench.png and live_plot.svg; the last is the one that lesson 11 has stored."""
    folder.mkdir(parents=True, exist_ok=True)
    save(NetworkBuilder("r2plus1d", compare="mc3"), folder / "builder.png")
    save(MatchingBench(), folder / "matching_bench.png")
    (folder / "live_plot.svg").write_text(stored_svg(Path("notebooks/11_train_live.ipynb")))


def save(panel, path: Path) -> None:
    """Draw what a widget shows now."""
    figure: Figure = panel.draw(**panel.values())[0]
    path.write_bytes(b64decode(figure_png(figure, dpi=110)))
    plt.close(figure)


def stored_svg(notebook: Path) -> str:
    """The last SVG picture among a notebook's stored outputs."""
    cells = json.loads(notebook.read_text())["cells"]
    pictures = [output.get("data", {}).get("image/svg+xml") for cell in cells for output in cell.get("outputs", [])]
    return "".join([picture for picture in pictures if picture][-1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
