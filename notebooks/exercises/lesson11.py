"""What looks at the answers of lesson 11."""

import torch
from torch import nn

from r2p1d_edu.lab.checks import Panel, check_close, check_that


def exercise_1(ceiling) -> Panel:
    """The order-blind ceiling of several datasets."""
    hint = "of a pair at most one class is told right; divide by the number of classes"
    return Panel(
        "Exercise 1",
        [
            check_close(f"{pairs} pairs, {single} single", lambda p=pairs, s=single: ceiling(p, s), truth, hint)
            for pairs, single, truth in ((3, 2, 5 / 8), (4, 2, 6 / 10), (5, 0, 1 / 2), (0, 7, 1.0))
        ],
    )


def exercise_2(training_step) -> Panel:
    """A training step, beside one that is written out here, over three steps of a small network."""

    def trained(step) -> tuple[list[float], list]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 5))
        optimizer = torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.9)
        batches = [(torch.randn(4, 3, 4, 6, 6), torch.randint(5, (4,))) for _ in range(3)]
        losses = [step(network, optimizer, *batch) for batch in batches]
        return losses, [parameter.detach() for parameter in network.parameters()]

    def ours(network, optimizer, clips, labels) -> float:
        loss = nn.functional.cross_entropy(network(clips), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    losses, weights = trained(ours)

    def near(number: int) -> bool:
        return abs(trained(training_step)[0][number] - losses[number]) < 1e-5

    def same_weights() -> bool:
        return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(trained(training_step)[1], weights, strict=True))

    def a_number() -> bool:
        return all(isinstance(loss, float) for loss in trained(training_step)[0])

    return Panel(
        "Exercise 2",
        [
            check_that("the loss is a number", a_number, "loss.item()"),
            check_that(
                "the first loss", lambda: near(0), "cross entropy of network(clips) and the labels, before the step"
            ),
            check_that("the second: it has learnt", lambda: near(1), "backward, then optimizer.step()"),
            check_that("the third: old gradients are gone", lambda: near(2), "optimizer.zero_grad() before backward"),
            check_that("the weights", same_weights, "each parameter moves as the optimiser says, once a step"),
        ],
    )
