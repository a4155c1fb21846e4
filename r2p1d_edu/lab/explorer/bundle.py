"""The explorer's modules as one ES module, and as one page that opens from disk without network.

No build step: each module becomes a function that hands out what it exports, in the order in which they need each
other. Names in different modules cannot clash.
"""

import json
import re
from functools import cache
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
RECORDING = HERE / "learnt.json"  # of trained networks, by record.py
IMPORT = re.compile(r'^import\s+(?:\*\s+as\s+(?P<all>\w+)|\{(?P<names>[^}]*)\})\s+from\s+"(?P<path>[^"]+)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|class|function\*?)\s+(\w+))", re.M)
# For readers alone: comments, indents, ends of lines between brackets.
BESIDE = re.compile(r"^\s*(?:/\*\*.*?\*/\n|//[^\n]*\n)|^ +| // [^\n\"'`]*$|(?<=[,{(;])\n|\n *(?=[)}\]])", re.M | re.S)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Video networks, explored</title>
<link rel="icon" href="data:,">
<style>html, body {{ margin: 0; }} {css}</style>
</head>
<body>
<main id="explorer" data-link="{link}"></main>
<script type="application/json" id="learnt">{learnt}</script>
<script type="module">
{js}
const place = document.getElementById("explorer");
const learnt = JSON.parse(document.getElementById("learnt").textContent);
window.explorer = explorer.mount(place, {{ learnt, link: place.dataset.link || undefined }});
</script>
</body>
</html>
"""


@cache
def css() -> str:
    """The style sheet, without what is for readers alone."""
    spare = r"/\*.*?\*/|(?<=[{};:,])\s+|\s+(?=\{)|;\s*(?=\})"
    return re.sub(spare, "", (HERE / "style.css").read_text("utf-8"), flags=re.S)


@cache
def joined() -> str:
    """All modules as one text that declares `explorer`: what index.js exports, by name."""
    order: list[Path] = []
    visit(HERE / "index.js", order, ())
    parts = [f"const {variable(path)} = (() => {{\n{wrapped(path)}\n}})();" for path in order]
    return "\n".join([*parts, f"const explorer = {variable(order[-1])};"])


def visit(path: Path, order: list[Path], above: tuple[Path, ...]) -> None:
    """Put a module into the order after all that it imports."""
    if path in above:
        raise ValueError(f"modules import each other in a circle: {' → '.join(p.name for p in (*above, path))}")
    if path in order:
        return
    for found in IMPORT.finditer(path.read_text("utf-8")):
        visit((path.parent / found["path"]).resolve(), order, (*above, path))
    order.append(path)


def variable(path: Path) -> str:
    """views/time.js → views_time_js."""
    return re.sub(r"\W", "_", path.relative_to(HERE).as_posix())


def wrapped(path: Path) -> str:
    """A module as the body of a function: imports become constants, exports a returned object."""

    def as_constant(found: re.Match) -> str:
        names = found["all"] or f"{{{found['names'].replace(' as ', ': ')}}}"
        return f"const {names} = {variable((path.parent / found['path']).resolve())};\n"

    text = IMPORT.sub(as_constant, path.read_text("utf-8"))
    return f"{BESIDE.sub('', EXPORT.sub('', text))}return {{ {', '.join(EXPORT.findall(text))} }};"


@cache
def recorded() -> dict:
    """What the four trained networks of the package learnt."""
    return json.loads(RECORDING.read_text("utf-8"))


def module() -> str:
    """The ES module that anywidget loads: its default export has `render`."""
    return f"{joined()}\nexport default {{ render: explorer.render }};\n"


def page(learnt: dict | None = None, link: str = "") -> str:
    """explorer.html, whole. `learnt` is a recording other than the package's own, `link` where to begin."""
    inside_script = {"js": joined(), "learnt": json.dumps(learnt or recorded())}
    safe = {name: text.replace("</", "<\\/") for name, text in inside_script.items()}
    return PAGE.format(css=css(), link=escape(link), **safe)


def frame(link: str = "", height: int = 820) -> str:
    """The page as HTML for another page, alive there without kernel or network: in nbconvert's pages, on a site."""
    style = f"width:100%;height:{height}px;border:0"
    return f'<iframe title="The explorer" style="{style}" srcdoc="{escape(page(link=link))}"></iframe>'


def write_page(path: str | Path) -> Path:
    """Write explorer.html to a file or into a folder, and say where."""
    path = Path(path, "explorer.html") if Path(path).is_dir() else Path(path)
    path.write_text(page(), "utf-8")
    return path
