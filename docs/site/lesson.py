"""A lesson as a page: stored outputs as they are, the explorer alive, other widgets as the picture that was stored."""

import json
import re
from base64 import b64encode
from html import escape
from pathlib import Path

import nbformat
from docutils.nodes import SkipNode
from latex2mathml.converter import convert

from r2p1d_edu.lab.explorer import bundle

WIDGET, SVG, PNG = "application/vnd.jupyter.widget-view+json", "image/svg+xml", "image/png"
EXPLORER = re.compile(r"""(?:\bexplorer\.html|\bExplorer\(["'])(#[^"'\s]+)""")
NO_KERNEL = "These controls need a notebook with a running kernel: open the lesson in JupyterLab to use them."
# The explorer in a page is anywidget's, with a model that remembers and tells nobody.
SCRIPT = """
for (const el of document.querySelectorAll(".explorer")) {
  const traits = { link: el.dataset.link ?? "", learnt, clip: [] };
  const set = (key, value) => (traits[key] = value);
  explorer.render({ el, model: { get: (key) => traits[key], set, save_changes() {}, on() {}, off() {} } });
}
"""


def read(text: str) -> nbformat.NotebookNode:
    """A notebook's JSON → the notebook as its page is to show it."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # links in HTML, which Sphinx leaves as they are
            cell.source = re.sub(r'(href="\w+)\.ipynb', r"\1.html", cell.source)
        if cell.cell_type == "code":
            cell.outputs = [shown(output, cell.source) for output in cell.outputs]
            if "reveal" in cell.metadata.get("tags", ()):
                cell.metadata.tags.append("hide-output")
    return notebook


def shown(output: nbformat.NotebookNode, source: str) -> nbformat.NotebookNode:
    """One output of a cell: pictures with their alternative text, widgets as what they are without a kernel."""
    data = output.get("data", {})
    words = data.get("text/plain", "")
    parts = []
    if "explorer.html" in words:
        found = EXPLORER.search(words) or EXPLORER.search(source)
        return as_html(explorer(found[1] if found else "") if WIDGET in data else "")
    if WIDGET in data and "text/html" in data:  # which lives without a kernel
        return as_html(data["text/html"])
    if WIDGET in data:
        parts.append(f'<p class="no-kernel">{NO_KERNEL}</p>')
    if "text/html" not in data and (PNG in data or SVG in data):
        parts.append(picture(data, output.get("metadata", {}).get(PNG, {}).get("alt", words)))
    return as_html("".join(parts)) if parts else output


def picture(data: dict, alt: str) -> str:
    """An <img>; a drawing rather than its pixels."""
    kind, content = (SVG, b64encode(data[SVG].encode()).decode()) if SVG in data else (PNG, "".join(data[PNG].split()))
    return f'<img alt="{escape(alt)}" src="data:{kind};base64,{content}">'


def explorer(link: str) -> str:
    """A place for the explorer, and a way to its own page for a browser without scripts."""
    link = escape(link)
    own_page = f'<p><a href="explorer.html{link}">The explorer on a page of its own</a></p>'
    return f'<div class="explorer" data-link="{link}"></div>{own_page}'


def as_html(html: str) -> nbformat.NotebookNode:
    """An output that is HTML."""
    return nbformat.v4.new_output("display_data", {"text/html": html})


def add_explorer_to_page(app, pagename, templatename, context, doctree) -> None:
    """Load the explorer where there is a place for it."""
    if 'class="explorer"' in context.get("body", ""):
        app.add_js_file("explorer.js", loading_method="defer")
        app.add_css_file("explorer.css")


def write_explorer(app, exception) -> None:
    """Write explorer.html, and what lessons load of it, beside the pages."""
    if exception is None:
        out = Path(app.outdir)
        bundle.write_page(out)
        learnt = f"const learnt = {json.dumps(bundle.recorded())};"
        script = f"(() => {{\n{bundle.joined()}\n{learnt}\n{SCRIPT}}})();\n"
        (out / "_static" / "explorer.js").write_text(script, "utf-8")
        (out / "_static" / "explorer.css").write_text(bundle.css(), "utf-8")


def math(display: str):
    """Sphinx's visitor for a formula: TeX → MathML, which a browser sets without a script."""

    def visit(translator, node) -> None:
        formula = convert(node.astext(), display=display)
        translator.body.append(f'<div class="formula">{formula}</div>' if display == "block" else formula)
        raise SkipNode

    return visit, None
