"""predict(question, choices): a prediction that a learner locks before the answer is computed.

cost = predict("How many times f-R2D's multiply-adds does R3D need?", (1, 10), unit="×")
…
cost.reveal(macs["r3d"] / macs["f_r2d"])        # in a cell with the tag `reveal`
…
predictions()                                   # at a lesson's end: You called 7 of 9.
"""

import json
import re
from html import escape
from numbers import Real
from pathlib import Path
from zlib import crc32

import traitlets

from r2p1d_edu.errors import InputError

SCRIPT, STYLE = (Path(__file__).with_name(f"predict.{kind}").read_text("utf-8") for kind in ("js", "css"))
ALIVE = f"<style>{STYLE}</style><script type='module'>{SCRIPT}\nalive(document);</script>"  # on a page without a kernel
WORDS = {
    "en": ("Prediction", "Answer", "You said", "You called {} of {}", " ({} of {} not made)", "Predictions: {}"),
    "zh": ("预测", "答案", "你的预测", "{1} 次预测中对了 {0} 次", "（{1} 题中 {0} 题未作答）", "预测题：{}"),
}

try:
    from anywidget import AnyWidget
except ImportError as missing:
    raise InputError('predict needs anywidget: pip install "r2p1d_edu[lab]"') from missing

made: dict[str, "Prediction"] = {}  # the predictions of this kernel, in the order of the lesson


def predict(question: str, choices: list[str] | tuple[float, float] | dict, unit: str = "", within: float = 0.1):
    """Ask for a prediction. Asked again, it keeps what was locked.

    Args:
        question: one sentence.
        choices: ["fewer", "as many", "more"]; or (low, high), for a number; or {"epoch": [1, 2, 3], "loss": (0, 2.1)},
            for a curve to sketch over those epochs within that range.
        unit: stands behind a number: " GMAC".
        within: how far off a number (as a share of the answer) or a sketch (on average, as a share of its range) may
            be and still be called.
    """
    spec = described(question, choices, unit, within)
    if made.get(spec["key"]) is None or made[spec["key"]].spec != spec:
        made[spec["key"]] = Prediction(spec=spec)
    return made[spec["key"]]


def described(question: str, choices: list | tuple | dict, unit: str, within: float) -> dict:
    """What the page needs to know of a question."""
    spec = {"question": question, "unit": unit, "within": within, "key": f"{crc32(question.encode()):08x}"}
    if isinstance(choices, list) and len({*choices}) == len(choices) > 1 and all(isinstance(c, str) for c in choices):
        return spec | {"kind": "choice", "choices": choices, "within": 0}
    if isinstance(choices, tuple) and len(choices) == 2 and choices[0] < choices[1]:
        return spec | {"kind": "number", "low": choices[0], "high": choices[1]}
    if isinstance(choices, dict) and len(choices) == 2:
        x, (low, high) = choices.values()
        return spec | {"kind": "sketch", "labels": [*choices], "x": [*x], "low": low, "high": high}
    forms = 'a list of different texts, (low, high), or {"epoch": [1, 2, 3], "loss": (0, 2.1)}'
    raise InputError(f"choices are {forms}; got {choices!r}")


class Prediction(AnyWidget):
    """A question and what was said to it; `predict` makes one, `reveal` ends it."""

    _esm = traitlets.Unicode(SCRIPT).tag(sync=True)
    _css = traitlets.Unicode(STYLE).tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    state = traitlets.Enum(("open", "locked", "skipped"), "open").tag(sync=True)
    guess = traitlets.Any(None, allow_none=True).tag(sync=True)
    answer = traitlets.Dict(None, allow_none=True).tag(sync=True)

    def reveal(self, answer) -> "Revealed":
        """Show the answer, here and beside the prediction: the right choice, a number, or the curve's values."""
        spec, value, text = self.spec, answer, str(answer)
        if spec["kind"] == "choice":
            fits, kind = answer in spec["choices"], f"one of {', '.join(map(repr, spec['choices']))}"
        elif spec["kind"] == "number":
            fits = isinstance(answer, Real) and spec["low"] <= answer <= spec["high"]
            kind = f"a number from {spec['low']} to {spec['high']}"
            value, text = (float(answer), shown(answer)) if fits else (None, "")
        else:
            value = [float(y) for y in answer]
            fits, kind, text = len(value) == len(spec["x"]), f"{len(spec['x'])} values", ", ".join(map(shown, value))
        if not fits:
            raise InputError(f"the answer to {spec['question']!r} is to be {kind}; got {answer!r}")
        self.answer = {"value": value, "shown": f"{text}{spec['unit']}"}
        return Revealed(self)

    @property
    def distance(self) -> float:
        """How far off: a choice by 0 or 1, a number as a share of the answer, a sketch as a share of its range."""
        truth, guess = self.answer["value"], self.guess
        if self.spec["kind"] == "choice":
            return float(guess != truth)
        if self.spec["kind"] == "number":
            return abs(guess - truth) / (abs(truth) or 1)
        off = [abs(one - other) for one, other in zip(guess, truth, strict=True)]
        return sum(off) / len(off) / (self.spec["high"] - self.spec["low"])

    @property
    def called(self) -> bool | None:
        """Whether the prediction was right; None while it is open, skipped or without an answer."""
        if self.state != "locked" or self.answer is None:
            return None
        return self.distance <= self.spec["within"]

    def __repr__(self) -> str:
        spec, say = self.spec, words(self.spec["question"])
        choices = f" ({' / '.join(spec['choices'])})" if spec["kind"] == "choice" else ""
        return f"{say[0]}: {spec['question']}{choices}"

    def _repr_mimebundle_(self, **options):
        """As anywidget's, with text, and with HTML that predictions() brings alive on a page without a kernel."""
        data, metadata = super()._repr_mimebundle_(**options)
        place = f"<div class='r2p1d-predict' data-spec='{escape(json.dumps(self.spec))}'>{escape(repr(self))}</div>"
        return data | {"text/plain": repr(self), "text/html": place}, metadata


class Revealed:
    """An answer, and what was said before."""

    def __init__(self, prediction: Prediction):
        self.prediction = prediction

    def __repr__(self) -> str:
        prediction = self.prediction
        say, answer = words(prediction.spec["question"]), prediction.answer["shown"]
        if prediction.called is None:
            return f"{say[1]}: {answer}"
        said = prediction.guess if not isinstance(prediction.guess, list) else ", ".join(map(shown, prediction.guess))
        return f"{'✓' if prediction.called else '✗'} {say[1]}: {answer}. {say[2]}: {said}{prediction.spec['unit']}"

    def _repr_html_(self) -> str:
        key, answer = self.prediction.spec["key"], escape(json.dumps(self.prediction.answer))
        return f"<p class='r2p1d-reveal' data-for='{key}' data-answer='{answer}'><b>{escape(repr(self))}</b></p>"


class Score:
    """How many predictions of this kernel were right."""

    def __repr__(self) -> str:
        say = words("".join(prediction.spec["question"] for prediction in made.values()))
        called = [prediction.called for prediction in made.values() if prediction.called is not None]
        if not called:
            return say[5].format(len(made))
        missing = say[4].format(len(made) - len(called), len(made)) if len(called) < len(made) else ""
        return say[3].format(sum(called), len(called)) + missing

    def _repr_html_(self) -> str:
        return f"<p class='r2p1d-score'>{escape(repr(self))}</p>{ALIVE}"


def predictions() -> Score:
    """At a lesson's end: how many of its predictions were called."""
    return Score()


def words(question: str) -> tuple[str, ...]:
    """What is said around a question, in its language."""
    return WORDS["zh" if re.search("[\u4e00-\u9fff]", question) else "en"]


def shown(number: float) -> str:
    """Whole numbers in full, others to three figures: 33,371,472; 2.95."""
    whole = float(number) == round(float(number)) or abs(float(number)) >= 1000
    return f"{round(float(number)):,}" if whole else f"{float(number):.3g}"
