"""How much memory one training step takes, and what for. Counted from shapes: nothing is computed or allocated."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from r2p1d_edu.cost.layers import as_input_error, restore_state
from r2p1d_edu.cost.report import Shape, Tabulated, times
from r2p1d_edu.errors import check_choice, check_counts, check_shape

OPTIMIZER_STATES = {"adamw": 2, "sgd": 1}  # fp32 numbers kept for each parameter: two moments; the momentum
ACTIVATION_BYTES = {"32": 4, "bf16": 2}  # of a number, by precision


@dataclass(frozen=True, repr=False)
class TrainingMemory(Tabulated):
    """Bytes at the peak of a training step; prints and displays itself in MiB."""

    title: str
    weights: int  # parameters and buffers, fp32
    gradients: int  # one fp32 number for each parameter that learns
    optimizer: int  # what the optimizer remembers for each of them
    activations: int  # what autograd keeps of the forward pass until the backward pass has used it
    weight_copies: int  # the bf16 copies of the weights that autocast makes and autograd keeps; 0 in fp32

    @property
    def total(self) -> int:
        """The sum. The gradients of activations, in flight, take the room of activations already let go."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.weight_copies

    def _cells(self) -> tuple[str, list[str], list[list[str]]]:
        names = ["weights", "gradients", "optimizer", "activations", "weight_copies", "total"]
        body = [[n.replace("_", " "), f"{getattr(self, n) / 2**20:,.1f}"] for n in names if getattr(self, n)]
        return self.title, ["training memory", "MiB"], body


def training_memory(
    network: nn.Module,
    clip: Shape = (3, 16, 112, 112),
    batch: int = 1,
    optimizer: str = "adamw",
    precision: str = "32",
) -> TrainingMemory:
    """The memory of one training step: forward, backward, optimizer.

    The forward pass runs on tensors without numbers, and autograd itself says, through its saved-tensors hooks, what it
    keeps of it: a convolution or linear layer its input, BatchNorm its input, ReLU its output, a max-pool its input and
    the place of every maximum (8 bytes each). A tensor that several layers keep counts once.

    Assumed: channels_last_3d order, where `Conv` folds time without a copy; "sgd" has momentum; "bf16" is autocast,
    with weights, gradients and optimizer in fp32 and a bf16 copy of each weight matrix and kernel. Not counted: what a
    library's convolutions ask for besides, what the allocator holds unused, and the program itself. On an x86 CPU the
    total came within 4 % of the measured peak in fp32 and 8 % in bf16 (r2plus1d, r3d, mc3 and f_r2d, 2 to 6 clips of 8
    or 16 frames of 112×112). The first call in a process takes a second or two: PyTorch imports much for meta tensors.

    Args:
        network: maps clips (N, C, T, H, W) to something that a loss can take. Parameters that do not require
            gradients cost their weights alone.
        clip: (C, T, H, W).
        batch: clips in a step.
        optimizer: "adamw" or "sgd".
        precision: "32" or "bf16".

    Raises:
        InputError: an unknown choice, a bad clip or batch, or clips that the network cannot take.
    """
    shape = check_shape(clip, "clip is")
    check_counts(batch=batch)
    check_choice(optimizer, OPTIMIZER_STATES, "optimizer")
    check_choice(precision, ACTIVATION_BYTES, "precision")
    with restore_state(network, training=True), as_input_error(network, shape):
        kept, copied = kept_for_backward(network, (batch, *shape))
    numbers = sum(p.numel() for p in network.parameters())
    learning = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return TrainingMemory(
        title=f"{type(network).__name__}, {batch} × {times(shape)}, {optimizer}, precision {precision}",
        weights=4 * numbers + sum(b.numel() * b.element_size() for b in network.buffers()),
        gradients=4 * learning,
        optimizer=4 * learning * OPTIMIZER_STATES[optimizer],
        activations=sum(size * ACTIVATION_BYTES[precision] // 4 if is_float else size for size, is_float in kept),
        weight_copies=2 * copied if precision == "bf16" else 0,
    )


class ChannelsLast(TorchFunctionMode):
    """Convolutions give what they give in training here: channels last. On the meta device they would forget it."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Run the function; put a convolution's output in order."""
        out = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in ("conv2d", "conv3d"):
            out = out.contiguous(memory_format=torch.channels_last if out.ndim == 4 else torch.channels_last_3d)
        return out


def kept_for_backward(network: nn.Module, shape: Shape) -> tuple[list[tuple[int, bool]], int]:
    """What autograd keeps of a forward pass on clips of this shape.

    Returns:
        For each piece of memory its bytes in fp32 and whether it holds floating-point numbers; and how many numbers
        the kept weight matrices and kernels have together, which are not among the pieces.
    """
    state = {}
    for name, x in (*network.named_parameters(), *network.named_buffers()):
        dtype = torch.float32 if x.is_floating_point() else x.dtype
        state[name] = torch.empty(x.shape, dtype=dtype, device="meta").requires_grad_(x.requires_grad)
    weights = {x.untyped_storage()._cdata: x for x in state.values()}
    kept, copied = {}, {}

    def pack(x: Tensor) -> Tensor:
        memory = x.untyped_storage()  # kept alive in the dict, so that no two have the same address
        if memory._cdata not in weights:
            kept[memory._cdata] = (memory, x.is_floating_point())
        elif weights[memory._cdata].ndim > 1:
            copied[memory._cdata] = weights[memory._cdata].numel()
        return x

    clips = torch.empty(shape, device="meta").contiguous(memory_format=torch.channels_last_3d)
    with torch.enable_grad(), ChannelsLast(), saved_tensors_hooks(pack, lambda x: x):
        torch.func.functional_call(network, state, (clips,))
    return [(memory.nbytes(), is_float) for memory, is_float in kept.values()], sum(copied.values())
