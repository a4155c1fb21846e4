"""What `account` hands out: one row a layer, totals, and tables that print and display themselves."""

from dataclasses import asdict, dataclass, replace
from html import escape
from typing import ClassVar

Shape = tuple[int, ...]

FOOTNOTE = (
    "1 MAC = 1 multiply-add; convolutions, linear and recurrent layers count, all else is 0 by convention. "
    "MiB: each layer's output, 4 bytes a number, one clip. "
    "Sees: the receptive field in frames×rows×columns, padding included."
)


@dataclass(frozen=True)
class Row:
    """One call of one layer, or, in `Account.groups()`, one group of layers; all shapes without the batch."""

    name: str  # as in `network.named_modules()`, for instance "layer1.0.conv1.0"
    group: str  # the first part of the name: "stem", "layer1", …, "fc"
    kind: str  # the class of the layer; a function called between layers ends in "()"
    kernel: Shape | None = None  # of convolutions and pools, (t, h, w)
    stride: Shape | None = None
    in_shape: Shape = ()  # (C, T, H, W), or (features,) after the pool
    out_shape: Shape = ()
    parameters: int = 0  # numbers to learn; a layer that is called twice has them in its first row only
    macs: int = 0  # multiply-adds for one clip
    activations: int = 0  # bytes that it writes for one clip in fp32; 0 where it only passes its input on
    field: Shape | None = None  # frames, rows and columns that one output sees, padding included; None: not known
    relus: int = 0  # 1 for a ReLU
    note: str = ""  # why a row needs a second look; mostly empty


class Tabulated:
    """What prints and displays itself as the table that `_cells` gives: a caption, a header and a body."""

    footer: ClassVar[str] = ""

    def __str__(self) -> str:
        return "\n".join(filter(None, [text_table(*self._cells()), self.footer]))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html_table(*self._cells(), footer=self.footer)

    def _cells(self) -> tuple[str, list[str], list[list[str]]]:
        raise NotImplementedError


@dataclass(repr=False)
class Account(Tabulated):
    """What a network costs for one clip: the rows in the order of the calls, and their totals.

    Attributes:
        clip: (C, T, H, W).
        params: all parameters, used or not: equal to sum(p.numel() for p in network.parameters()).
        macs: multiply-adds for one clip.
        activations: bytes that all layers write for one clip in fp32; what training keeps of it: `training_memory`.
        relus: how many times a ReLU is called.
    """

    title: str
    clip: Shape
    rows: tuple[Row, ...]
    footer: ClassVar[str] = FOOTNOTE

    def __post_init__(self):
        self.params = sum(row.parameters for row in self.rows)
        self.macs = sum(row.macs for row in self.rows)
        self.activations = sum(row.activations for row in self.rows)
        self.relus = sum(row.relus for row in self.rows)

    def groups(self) -> "Account":
        """The same with one row a group: sums, the first input, the last output and receptive field."""
        members: dict[str, list[Row]] = {}
        for row in self.rows:
            members.setdefault(row.group, []).append(row)
        return replace(self, rows=tuple(sum_up(group, rows) for group, rows in members.items()))

    def to_records(self) -> list[dict]:
        """One dict a row, for instance for pandas.DataFrame(account(network).to_records())."""
        return [asdict(row) for row in self.rows]

    def _cells(self) -> tuple[str, list[str], list[list[str]]]:
        caption = (
            f"{self.title}, one clip {times(self.clip)}: {self.params:,} parameters, {self.macs / 1e9:.3f} GMAC, "
            f"{self.activations / 2**20:.1f} MiB of activations, {self.relus} ReLUs"
        )
        header = ["layer", "kind", "kernel", "stride", "output", "parameters", "MMAC", "MiB", "sees", "note"]
        total = Row("total", "", "", parameters=self.params, macs=self.macs, activations=self.activations)
        body = [
            [
                *(row.name, row.kind, times(row.kernel), times(row.stride), times(row.out_shape)),
                *(f"{row.parameters:,}", f"{row.macs / 1e6:,.1f}", f"{row.activations / 2**20:.1f}"),
                *(times(row.field), row.note),
            ]
            for row in (*self.rows, total)
        ]
        return caption, header, body


def sum_up(group: str, rows: list[Row]) -> Row:
    """One row for all layers of a group."""
    called = [row for row in rows if row.out_shape] or rows
    totals = {key: sum(getattr(row, key) for row in rows) for key in ("parameters", "macs", "activations", "relus")}
    return Row(
        name=group,
        group=group,
        kind=rows[0].kind if len(rows) == 1 else f"{len(rows)} layers",
        in_shape=called[0].in_shape,
        out_shape=called[-1].out_shape,
        field=called[-1].field,
        note="; ".join(dict.fromkeys(row.note for row in rows if row.note)),
        **totals,
    )


def times(sizes: Shape | None) -> str:
    """(3, 16, 112, 112) → "3×16×112×112"; nothing → ""."""
    return "×".join(map(str, sizes or ()))


def text_table(caption: str, header: list[str], body: list[list[str]]) -> str:
    """Columns padded to one width, numbers to the right; columns that are empty throughout are left out."""
    columns = [column for column in zip(header, *body, strict=True) if any(column[1:])]
    padded = []
    for head, *cells in columns:
        width = max(map(len, (head, *cells)))
        numeric = all(cell[:1].isdigit() for cell in cells if cell)
        padded.append([cell.rjust(width) if numeric else cell.ljust(width) for cell in (head, *cells)])
    return "\n".join([caption, *("  ".join(line).rstrip() for line in zip(*padded, strict=True))])


def html_table(caption: str, header: list[str], body: list[list[str]], footer: str = "") -> str:
    """The same as a plain HTML table with a caption, and a line of small print below."""

    def line(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head, rows = line(header, "th"), "".join(line(cells, "td") for cells in body)
    small = f"<p><small>{escape(footer)}</small></p>" if footer else ""
    return f"<table><caption>{escape(caption)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>{small}"
