"""Training memory: by hand on a small stack of layers, and against the measured peak of real steps."""

import os
import subprocess
import sys
from pathlib import Path

import measured_peak
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from r2p1d_edu.cost.memory import training_memory
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.family import create_network

NETWORKS = ("r2plus1d", "r3d", "mc3", "f_r2d")
JOBS = (*(f"{name}:32" for name in NETWORKS), "mc3:bf16")
MIB = 2**20


@pytest.fixture(scope="module")
def measured():
    """The peak of each job in bytes, of 2 clips."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the resident size is measured through Linux's /proc")
    program = [sys.executable, measured_peak.__file__, "2", *JOBS]
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    out = subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout
    return {job: int(peak) for job, peak in map(str.split, out.splitlines())}


@pytest.mark.parametrize("job", JOBS)
def test_the_measured_peak_on_a_cpu(measured, job):
    name, precision = job.split(":")
    network = create_network(name, width=measured_peak.WIDTH)
    told = training_memory(network, measured_peak.CLIP, batch=2, precision=precision)
    assert told.total == pytest.approx(measured[job], rel=0.2)  # seen: 0.04


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_allocated_peak_on_a_gpu(name, precision):
    clip, batch = (3, 16, 112, 112), 8
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    network = create_network(name).cuda().to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(network.parameters())
    clips = torch.rand(batch, *clip, device="cuda").to(memory_format=torch.channels_last_3d)
    for _ in range(2):
        optimizer.zero_grad()
        torch.cuda.reset_peak_memory_stats()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            loss = F.cross_entropy(network(clips), torch.zeros(batch, dtype=torch.long, device="cuda"))
        loss.backward()
        optimizer.step()
    peak = torch.cuda.max_memory_allocated() - before
    assert training_memory(network, clip, batch, precision=precision).total == pytest.approx(peak, rel=0.2)


def stack():
    """(N, 3, 4, 8, 8) → conv (N, 5, 4, 8, 8) → pool (N, 5, 2, 4, 4) → fc (N, 7)."""
    return nn.Sequential(
        nn.Conv3d(3, 5, 3, padding=1, bias=False),
        nn.BatchNorm3d(5),
        nn.ReLU(inplace=True),
        nn.MaxPool3d(2),
        nn.Flatten(),
        nn.Linear(5 * 2 * 4 * 4, 7),
    )


PARAMETERS = 3 * 5 * 27 + 2 * 5 + 5 * 32 * 7 + 7


def test_by_hand():
    clip, pixels, pooled = (3, 4, 8, 8), 4 * 8 * 8, 2 * 4 * 4
    told = training_memory(stack(), clip, batch=2)
    assert told.weights == 4 * (PARAMETERS + 2 * 5) + 8  # two running statistics a channel, and a count of batches
    assert told.gradients == 4 * PARAMETERS
    assert told.optimizer == 8 * PARAMETERS
    floats = (
        2 * 3 * pixels  # the clips, which the convolution keeps
        + 2 * 5 * pixels  # its output, which BatchNorm keeps
        + 2 * 5  # BatchNorm's own: mean and inverse standard deviation
        + 2 * 5 * pixels  # ReLU's output, in place of BatchNorm's, and kept by the pool as well
        + 2 * 5 * pooled  # the linear layer's input
    )
    places = 8 * 2 * 5 * pooled  # of every maximum
    assert told.activations == 4 * floats + places
    assert told.weight_copies == 0
    assert told.total == told.weights + told.gradients + told.optimizer + told.activations

    half = training_memory(stack(), clip, batch=2, precision="bf16")
    assert half.activations == 2 * floats + places
    assert half.weight_copies == 2 * (3 * 5 * 27 + 5 * 32 * 7)
    assert (half.weights, half.gradients, half.optimizer) == (told.weights, told.gradients, told.optimizer)
    assert training_memory(stack(), clip, optimizer="sgd").optimizer == 4 * PARAMETERS


def test_relu_out_of_place_keeps_one_more():
    clip = (3, 4, 8, 8)
    in_place, apart = stack(), stack()
    apart[2] = nn.Sequential(nn.ReLU(), nn.Sigmoid())
    difference = training_memory(apart, clip).activations - training_memory(in_place, clip).activations
    assert difference == 4 * 5 * 4 * 8 * 8  # ReLU's output and Sigmoid's, instead of one


def test_frozen_layers_cost_their_weights_alone():
    network = stack()
    network[0].weight.requires_grad_(False)
    told = training_memory(network, (3, 4, 8, 8))
    assert told.gradients == 4 * (PARAMETERS - 3 * 5 * 27)
    assert told.optimizer == 2 * told.gradients
    clips = 4 * 3 * 4 * 8 * 8  # a frozen first convolution needs no input again
    assert training_memory(stack(), (3, 4, 8, 8)).activations - told.activations == clips


def test_views_of_a_convolution_cost_nothing():
    """(2+1)D in channels_last_3d: as much as two layers keep that are three-dimensional convolutions in earnest."""
    network = create_network("r2plus1d", depth=10, width=8)
    plain = create_network("r2plus1d", depth=10, width=8)
    for module in plain.modules():
        if isinstance(module, nn.Conv3d):
            module.forward = nn.Conv3d.forward.__get__(module)
    folded, full = (
        training_memory(n, (3, 8, 32, 32), batch=2) for n in (network, plain)
    )  # one clip folds in any order
    assert folded.activations == full.activations


def test_it_grows_with_batch_and_clip():
    network = create_network("r3d", depth=10, width=8)
    one = training_memory(network, (3, 8, 32, 32)).activations
    assert training_memory(network, (3, 8, 32, 32), batch=3).activations == pytest.approx(3 * one, rel=0.01)
    assert training_memory(network, (3, 16, 32, 32)).activations == pytest.approx(2 * one, rel=0.01)


def test_the_network_is_left_as_it_was():
    network = stack().eval()
    calls = []
    network.register_forward_hook(lambda *_: calls.append(1))
    before = {name: (id(x), x._version, x.device) for name, x in network.state_dict(keep_vars=True).items()}
    training_memory(network, (3, 4, 8, 8))
    with pytest.raises(InputError):
        training_memory(network, (3, 4, 8, 12))
    assert {name: (id(x), x._version, x.device) for name, x in network.state_dict(keep_vars=True).items()} == before
    assert not calls
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "lion"}, "unknown optimizer 'lion'; choose one of adamw, sgd"),
        ({"precision": 16}, "unknown precision 16; choose one of 32, bf16"),
        ({"batch": 0}, "batch is 0; it must be a whole number of 1 or more"),
        ({"batch": 1.5}, "batch is 1.5; it must be"),
        ({"clip": (1, 4, 8, 8)}, "^Sequential cannot take a clip of 1×4×8×8: [^\n]*$"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        training_memory(stack(), **{"clip": (3, 4, 8, 8), **options})


def test_it_prints_and_displays():
    told = training_memory(stack(), (3, 4, 8, 8), batch=64)
    for text in (str(told), repr(told), told._repr_html_()):
        assert "Sequential, 64 × 3×4×8×8, adamw, precision 32" in text
        assert f"{told.activations / MIB:,.1f}" in text
        assert "weight copies" not in text  # 0: left out
    assert str(told).splitlines()[-1].split() == ["total", f"{told.total / MIB:,.1f}"]
