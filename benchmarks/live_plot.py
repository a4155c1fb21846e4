"""What the live plot costs: the same training in a Jupyter kernel with it and without it, in turn.

    python -m benchmarks.live_plot [rounds]

Prints the ratio of the median seconds, and the share of the training time that was spent within the plot's own calls.
"""

import sys
import tempfile

import nbformat
from nbclient import NotebookClient

PROGRAM = """
import statistics, time
from r2p1d_edu import LivePlot, Recipe, train, write_arrow

write_arrow(r"{folder}/arrow", clips_per_group=3)
recipe = Recipe(r"{folder}/arrow/videos", size=40, epochs=4, validation=0)
seconds, within = {{"with": [], "without": []}}, []

def timed(call):
    def inner(value):
        start = time.perf_counter()
        call(value)
        within[-1] += time.perf_counter() - start
    return inner

def without():
    return train(recipe).seconds

def with_plot():
    live = LivePlot(network="r2plus1d", ceiling=5 / 8)
    within.append(0.0)
    taken = train(recipe, on_start=timed(live.plan), on_row=timed(live.update)).seconds
    live.close()
    return taken

train(recipe)  # fills the cache
ways = [("without", without), ("with", with_plot)]
for number in range({rounds}):
    for name, way in ways if number % 2 else reversed(ways):  # neither is always the second
        seconds[name].append(way())
plain, plotted = (statistics.median(seconds[way]) for way in ("without", "with"))
share = statistics.median(spent / taken for spent, taken in zip(within, seconds["with"]))
print(f"{{plotted / plain:.4f}} times as long as without ({{plain:.1f}} s, {rounds} rounds), {{share:.2%}} in calls")
"""


def main() -> None:
    """Run the program in a kernel and print what it prints."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        cell = nbformat.v4.new_code_cell(PROGRAM.format(folder=folder, rounds=rounds))
        notebook = nbformat.v4.new_notebook(cells=[cell])
        NotebookClient(notebook, timeout=3600, kernel_name="python3").execute()
    print("".join(output.text for output in cell.outputs if output.output_type == "stream"), end="")


if __name__ == "__main__":
    main()
