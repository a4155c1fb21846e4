"""One walk of a clip without numbers through a network: who is called, in what order, on what shapes.

Each layer that has a rule (rules.py) gets, for the time of the walk, a `forward` that computes nothing: it only says
what shape comes out, and writes a row. What happens between the layers, the sums and reshapes, is followed by a
TorchFunctionMode, which PyTorch asks before it runs any function. A tensor notes, as `field`, what of the clip one of
its units sees; None where that is not known.
"""

from functools import partial, reduce

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from r2p1d_edu.cost.report import Row
from r2p1d_edu.cost.rules import Field, Step, blank, mean, rule_for, through, union
from r2p1d_edu.errors import InputError

# Functions that multiply no matrices and look no further than their inputs do. All others have their multiply-adds
# counted by PyTorch's FlopCounterMode, and leave the receptive field unknown. Those that compute are not run, only
# shaped: the first sum of two meta tensors in a process makes PyTorch import for more than half a second.
IN_PLACE = {"add_", "sub_", "mul_", "div_", "relu_", "__iadd__", "__isub__", "__imul__", "__itruediv__"}
ELEMENTWISE = IN_PLACE | {"add", "sub", "rsub", "mul", "div", "neg", "relu", "sigmoid", "tanh", "silu", "gelu"}
VIEWS = {
    *("__get__", "size", "dim", "numel", "__len__", "is_floating_point", "is_contiguous"),
    *("contiguous", "clone", "detach", "to", "float", "dropout"),
    *("flatten", "unflatten", "reshape", "view", "transpose", "permute", "movedim", "squeeze", "unsqueeze"),
    *("expand", "repeat", "cat", "stack", "split", "chunk", "unbind", "narrow", "select", "__getitem__"),
    *("empty", "zeros", "ones", "empty_like", "zeros_like", "ones_like"),
}
NO_RULE = "no rule: MACs by FlopCounterMode"


class Walk(TorchFunctionMode):
    """Attach to a network, walk by calling it inside `with walk:`, and read `rows`."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.rows: list[Row] = []
        self.path = [""]  # the modules that the clip is inside of
        self.counted: set[int] = set()  # ids of parameters: shared ones count once
        for name, module in network.named_modules():
            leaf = not module._modules
            rule = rule_for(module) if leaf else None
            instead = self.by_rule if rule else self.as_it_is if leaf else self.inside
            vars(module)["forward"] = partial(instead, rule or module.forward, name, module)

    def by_rule(self, rule, name: str, module: nn.Module, input: Tensor, *_, **__) -> Tensor | tuple:
        """Instead of a known layer's forward."""
        with torch._C.DisableTorchFunction():  # a rule's own functions are not the network's
            try:
                step = rule(module, input)
            except InputError as error:
                raise InputError(f"{name}: {error}" if name else str(error)) from None
            field = getattr(input, "field", None)
            mark(step.out, through(field, step.window) if field and step.window else field)
            if isinstance(module, nn.RNNBase):  # it reads all steps, but has no kernel to show
                step = step._replace(window=None)
            self.record(name, module, input, step, relus=int(isinstance(module, nn.ReLU)))
        return step.out

    def inside(self, forward, name: str, module: nn.Module, *args, **kwargs):
        """Instead of a container's forward: the same, and we know where we are."""
        self.path.append(name)
        try:
            return forward(*args, **kwargs)
        finally:
            self.path.pop()

    def as_it_is(self, forward, name: str, module: nn.Module, *args, **kwargs):
        """Instead of the forward of a layer without a rule: the same, and all that it calls summed up in one row."""
        first = len(self.rows)
        out = self.inside(forward, name, module, *args, **kwargs)
        inner, self.rows[first:] = self.rows[first:], []
        with torch._C.DisableTorchFunction():
            step = Step(out, sum(row.macs for row in inner))
            self.record(name, module, (args, kwargs), step, relus=sum(row.relus for row in inner), note=NO_RULE)
        return out

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Run a function that is called between the layers, on shapes alone."""
        args, kwargs = tree_map_only(Tensor, without_numbers, (args, kwargs or {}))
        inputs, name, macs = tensors((args, kwargs)), getattr(func, "__name__", ""), 0
        fields = [x.field for x in inputs if hasattr(x, "field")]  # parameters have none
        known = (name in ELEMENTWISE or name in VIEWS or name == "mean") and fields and None not in fields
        field = reduce(union, fields) if known else None
        if name in ELEMENTWISE and len({x.shape for x in inputs}) == 1:
            out = inputs[0] if name in IN_PLACE else blank(*inputs[0].shape)
        elif name in ELEMENTWISE or name in VIEWS:
            out = func(*args, **kwargs)
        elif name == "mean":
            out, window = mean(*args, **kwargs)
            field = through(field, window) if field and window else field
        else:
            with FlopCounterMode(display=False) as flops:
                out = func(*args, **kwargs)
            macs = flops.get_total_flops() // 2
        if fields:
            mark(out, field)
        relus = int(name in ("relu", "relu_"))
        if macs or relus:
            label = f"{self.path[-1]}.{name}".lstrip(".")
            self.record(label, f"{name}()", inputs, Step(out, macs), relus, NO_RULE if macs else "")
        return out

    def record(self, name: str, what: nn.Module | str, inputs, step: Step, relus: int = 0, note: str = "") -> None:
        """Write a row: shapes without the batch, of the first input and the first output."""
        inputs, outputs = tensors(inputs), tensors(step.out)
        field = getattr(outputs[0], "field", None) if outputs else None
        kernel, stride, *_ = zip(*step.window, strict=True) if step.window else (None, None)
        row = Row(
            *names(name, what),
            kernel=kernel,
            stride=stride,
            in_shape=tuple(inputs[0].shape[1:]) if inputs else (),
            out_shape=tuple(outputs[0].shape[1:]) if outputs else (),
            parameters=self.own(what) if isinstance(what, nn.Module) else 0,
            macs=step.macs,
            activations=4 * sum(x.numel() for x in outputs) if step.writes else 0,
            field=field and tuple(high - low + 1 for low, high, _ in field),
            relus=relus,
            note=note,
        )
        self.rows.append(row)

    def own(self, module: nn.Module) -> int:
        """The module's own parameters that no row has counted yet, its children's not included."""
        fresh = {id(p): p.numel() for p in module._parameters.values() if p is not None and id(p) not in self.counted}
        self.counted.update(fresh)
        return sum(fresh.values())

    def uncounted(self, network: nn.Module) -> list[Row]:
        """A row for each module with parameters that no row above has: the module uses them itself, or nobody does."""
        own = ((name, module, self.own(module)) for name, module in network.named_modules())
        note = "parameters used directly, or not at all"
        return [Row(*names(name, module), parameters=count, note=note) for name, module, count in own if count]


def names(name: str, what: nn.Module | str) -> tuple[str, str, str]:
    """Name, group and kind of a row; what is called outside of all modules is named after its kind."""
    kind = what if isinstance(what, str) else type(what).__name__
    return name or kind, (name or kind).partition(".")[0], kind


def tensors(value) -> list[Tensor]:
    """All tensors in a nest of tuples, lists and dicts, in order."""
    return [x for x in tree_leaves(value) if isinstance(x, Tensor)]


def mark(outputs, field: Field | None) -> None:
    """Note on each tensor what of the clip one of its units sees."""
    for x in tensors(outputs):
        x.field = field  # type: ignore[attr-defined]  # tensors take attributes


def without_numbers(x: Tensor) -> Tensor:
    """The shape alone of a tensor that has numbers, such as a parameter used directly."""
    return x if x.is_meta else torch.empty(x.shape, dtype=x.dtype, device="meta")
