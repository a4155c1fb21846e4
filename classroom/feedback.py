"""The page that a student gets: a table with a line for each exercise, then each answer with what its tests said.

It shows no test's code, loads nothing from elsewhere, and is safe to open: text is escaped, markdown is cleaned, of
what a cell showed only text and pictures are kept, and the page forbids scripts.
"""

import base64
import binascii
import re
from pathlib import Path

import bleach
import nbformat
from jinja2 import Environment
from nbconvert.filters import markdown2html, strip_ansi
from nbgrader.apps.api import NbGraderAPI

from classroom.course import Course
from classroom.names import safe
from classroom.repair import grade_id

TEXT = {"p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "br", "hr", "sub", "sup"}
TAGS = TEXT | {"h1", "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td"}
LONGEST = 20_000  # characters of a text that is shown
TEMPLATE = Environment(autoescape=True).from_string(Path(__file__).with_suffix(".html").read_text("utf-8"))
PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8"}


def write_feedback(rows: list, course: Course, api: NbGraderAPI) -> None:
    """Write the page of every graded row, with what the teacher commented."""
    with api.gradebook as book:
        for row in (row for row in rows if row.of):
            source = course.folder / "autograded" / safe(row.student) / row.assignment / f"{row.assignment}.ipynb"
            if not source.exists():
                continue
            graded = book.find_submission_notebook(row.assignment, row.assignment, safe(row.student))
            comments = {one.name: one.manual_comment for one in graded.comments if one.manual_comment}
            points = {one.name: (one.score, one.max_score, one.needs_manual_grade) for one in graded.grades}
            text = page(nbformat.read(source, as_version=4), course.release_of(row.assignment), row, comments, points)
            target = course.folder / "feedback" / safe(row.student) / row.assignment / f"{row.assignment}.html"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")


def page(notebook, release, row, comments: dict[str, str], points: dict[str, tuple]) -> str:
    """One student's page for one assignment."""
    names = titles(release)
    sections, own, open_ = {}, [], None
    for cell in notebook.cells[1:]:
        name, settings = grade_id(cell), cell.metadata.get("nbgrader", {})
        if settings.get("solution"):
            open_ = sections.setdefault(name, {"name": names.get(name, name), "blocks": [], "points": 0.0, "most": 0.0})
            open_["why"], open_["waits"] = "", False
            as_html = cell.cell_type == "markdown"
            open_["blocks"] += [{"html": clean(cell.source)} if as_html else {"text": cell.source[:LONGEST]}]
        if settings.get("grade") and open_ is not None:
            score, most, waits = points.get(name, (0.0, settings.get("points", 0), False))
            full = score >= most and not waits
            open_["points"], open_["most"] = open_["points"] + (score or 0.0), open_["most"] + most
            open_["waits"] |= bool(waits)
            blocks = shown(cell, "ok" if full else "no")
            open_["blocks"] += blocks
            if not full and not open_["why"]:
                open_["why"] = "your teacher reads this" if waits else reason(blocks)
        elif cell.cell_type == "code" and not settings.get("locked"):
            failed = any(one.output_type == "error" for one in cell.get("outputs", []))
            if settings.get("solution") and open_ is not None:
                open_["blocks"] += shown(cell, "no" if failed else "")
            elif cell.source.strip():
                own += [{"text": cell.source[:LONGEST], "kind": ""}, *shown(cell, "no" if failed else "")]
        if name in comments and open_ is not None:
            open_["blocks"].append({"html": f"<p><b>Your teacher:</b></p>{clean(comments[name])}"})
    for one in sections.values():
        full = one["points"] >= one["most"] and not one["waits"]
        one["kind"], one["sign"] = ("ok", "✓") if full else ("", "…") if one["waits"] else ("no", "✗")
    title = re.search(r"^# (.+)$", release.cells[0].source, re.M)
    return TEMPLATE.render(
        title=title[1] if title else row.assignment, row=row, sections=list(sections.values()), own=own
    )


def titles(release) -> dict[str, str]:
    """{answer cell: the heading above it}."""
    heading, found = "", {}
    for cell in release.cells:
        if cell.cell_type == "markdown":
            heading = next(iter(re.findall(r"^##+ (.+)$", cell.source, re.M)[-1:]), heading)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            taken = heading in found.values() or not heading
            found[grade_id(cell)] = f"{heading} ({grade_id(cell)})" if taken else heading
    return found


def shown(cell, kind: str) -> list[dict]:
    """What a cell put out, as text and pictures."""
    blocks = []
    for one in cell.get("outputs", []):
        if one.output_type == "stream":
            blocks.append({"text": strip_ansi(one.text)[:LONGEST], "kind": kind})
        elif one.output_type == "error":
            text = strip_ansi("\n".join(one.traceback))[-LONGEST:] or f"{one.ename}: {one.evalue}"
            blocks.append({"text": text, "kind": "no"})
        else:
            picture = next(filter(None, (image(one.data, name) for name in PICTURES)), None)
            text = {"text": str(one.data.get("text/plain", ""))[:LONGEST], "kind": kind}
            blocks.append({"image": picture} if picture else text)
    return [block for block in blocks if block.get("image") or block["text"].strip()]


def image(data: dict, name: str) -> str:
    """A picture as an address that holds it; "" if there is none."""
    try:
        content = base64.b64decode("".join(str(data[name]).split()), validate=True)
    except (KeyError, binascii.Error, ValueError):
        return ""
    return f"data:{name};base64,{base64.b64encode(content).decode()}" if content.startswith(PICTURES[name]) else ""


def reason(blocks: list[dict]) -> str:
    """The first line that says what went wrong."""
    lines = [line for block in blocks if block.get("kind") == "no" for line in block.get("text", "").splitlines()]
    line = next((line for line in lines if line.startswith("✗")), lines[-1] if lines else "not answered")
    return line.removeprefix("✗ ")[:200]


def clean(markdown: str) -> str:
    """Markdown as HTML without anything that could act."""
    try:
        html = markdown2html(markdown[:LONGEST])
    except Exception:  # whatever a hostile text leads the reader to
        html = f"<pre>{bleach.clean(markdown[:LONGEST], tags=[])}</pre>"
    return bleach.clean(html, tags=TAGS, attributes={}, strip=True)


def pages(folder: Path) -> list[Path]:
    """All pages that were written."""
    return sorted((folder / "feedback").glob("*/*/*.html"))
