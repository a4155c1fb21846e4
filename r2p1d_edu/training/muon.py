"""Muon: a convolution's update is made orthogonal, so that it learns in all directions at one speed.

Jordan et al., 2024, https://kellerjordan.github.io/posts/muon, with weights of one norm as in the same author's
airbench. It needs about half as many steps as AdamW (benchmarks/speedrun/README.md).
"""

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adam import adam

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's: so steep at 0 that a few rounds bring all singular values near 1
ROUNDS = 3
MOMENTUM = 0.6
TURN = 20  # a convolution's step, as a multiple of the learning rate and a share of its norm


class Muon(Optimizer):
    """Muon for convolutions; Adam for all else: biases, BatchNorm, the classifier.

    Args:
        lr: Adam's learning rate; a step turns a convolution's weights by 20 · lr of their norm.
        betas: of Adam.
    """

    def __init__(self, params, lr: float, betas: tuple[float, float] = (0.9, 0.95)):
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure=None):
        """Learn from the gradients."""
        loss = closure and torch.enable_grad()(closure)()
        for group in self.param_groups:
            with_gradient = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in with_gradient:
                if parameter.ndim > 2:
                    turn(parameter, parameter.grad, self.state[parameter], TURN * group["lr"])
            others = [parameter for parameter in with_gradient if parameter.ndim <= 2]
            for parameter in others:
                if parameter not in self.state:
                    names = {"mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
                    self.state[parameter] = names | {"step": torch.zeros((), device=parameter.device)}
            kept = [[self.state[parameter][name] for parameter in others] for name in ("mean", "square", "step")]
            how = {"lr": group["lr"], "weight_decay": 0, "eps": 1e-8, "amsgrad": False, "maximize": False}
            beta1, beta2 = group["betas"]
            gradients = [parameter.grad for parameter in others]
            adam(others, gradients, *kept[:2], [], kept[2], fused=True, beta1=beta1, beta2=beta2, **how)
        return loss


def turn(weight: Tensor, gradient: Tensor, state: dict, length: float) -> None:
    """Muon's update of a convolution (C_out, C_in, t, d, d), with Nesterov's momentum."""
    if not state:
        state["momentum"] = torch.zeros_like(weight)
    state["momentum"].mul_(MOMENTUM).add_(gradient)
    ahead = gradient.add(state["momentum"], alpha=MOMENTUM).movedim(1, -1)  # as it lies in memory
    update = orthogonal(ahead.flatten(1)).view(ahead.shape).movedim(-1, 1)
    weight.mul_(len(weight) ** 0.5 / weight.norm()).sub_(update, alpha=length)


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix with all singular values near 1: Newton and Schulz's iteration, in bfloat16 as Jordan does it."""
    a, b, c = QUINTIC
    wide = len(matrix) <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(ROUNDS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.T).to(matrix.dtype)
