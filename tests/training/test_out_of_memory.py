"""Too little memory ends in a line with numbers, before training where they can be known; "auto" looks for room."""

import re

import pytest
import torch

from r2p1d_edu.cost.memory import training_memory
from r2p1d_edu.errors import InputError
from r2p1d_edu.training import evaluate, loop, memory
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.recipe import Recipe

CLIP = (3, 4, 16, 16)
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried\nto"),
    RuntimeError("MPS backend out of memory"),
    RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
    MemoryError("Unable to allocate 4 GiB"),
]


def need(recipe, batch):
    return training_memory(build_network(recipe, 2), CLIP, batch).total


def with_room(monkeypatch, free, total=2**40):
    monkeypatch.setattr(memory, "memory_of", lambda device: (free, total))


@pytest.mark.parametrize(("fits", "batch"), [(100, 16), (16, 16), (15, 8), (8, 8), (7, 4), (3, 2)])
def test_auto_is_the_largest_power_of_two_that_fits_up_to_16(recipe, monkeypatch, tmp_path, fits, batch):
    with_room(monkeypatch, (need(recipe, fits) + 1000) / memory.SHARE)
    run = train(recipe.changed(batch="auto", epochs=1), folder=tmp_path / "run")
    assert run.recipe.batch == Recipe.load(tmp_path / "run" / "recipe.json").batch == batch
    assert run.clips_per_step == batch


def test_room_for_nothing_is_said(recipe, monkeypatch, tmp_path):
    with_room(monkeypatch, 1000)
    with pytest.raises(
        InputError, match=r"^to train with a batch of 2 takes .* free of .*; use a smaller size \(now 16"
    ):
        train(recipe.changed(batch="auto"), folder=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_fit_is_refused_before_a_video_is_read_and_a_batch_named_that_does(recipe, monkeypatch):
    total = need(recipe, 8) - 1
    with_room(monkeypatch, total, total)
    with pytest.raises(
        InputError, match=r"takes \d\.\d MiB, .* activations, and cpu has .*; use a batch of 4, or a smaller"
    ):
        train(recipe, progress=None)
    with_room(monkeypatch, 0, total + 1)  # what others hold now, they may give back
    assert len(train(recipe.changed(epochs=1)).history) == 3


@pytest.mark.parametrize("changes", [{"size": 100_000}, {"frames": 10**6}, {"options": {"depth": 10, "width": 20_000}}])
def test_monsters_are_refused_at_once(recipe, changes):
    with pytest.raises(InputError, match=r"takes [\d,]+\.\d\d GiB"):
        train(recipe.changed(**changes), progress=None)


@pytest.mark.parametrize("error", FULL)
@pytest.mark.parametrize(("module", "name"), [(loop, "training_step"), (evaluate, "predict")])
def test_too_little_memory_is_said_with_what_helps(recipe, monkeypatch, error, module, name):
    run = train(recipe.changed(epochs=1))

    def full(*_):
        raise error

    with_room(monkeypatch, need(recipe, 4) / memory.SHARE + 1000)
    monkeypatch.setattr(module, name, full)
    with pytest.raises(InputError) as said:
        train(recipe) if module is loop else run.test()
    takes = re.escape(memory.size(need(recipe, 8)))
    assert re.match(
        rf"out of memory: to train with a batch of 8 takes {takes}, .*; use a batch of 4, or ", str(said.value)
    )
    assert "\n" not in str(said.value)


def test_other_errors_stay_what_they_are(recipe, monkeypatch):
    def broken(*_):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(loop, "training_step", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        train(recipe)


def test_a_system_that_refuses_memory_is_understood(recipe, monkeypatch):
    """For real, with PyTorch's own words for it: a petabyte."""
    monkeypatch.setattr(loop, "training_step", lambda *_: torch.empty(10**15))
    with pytest.raises(InputError, match=r"out of memory: to train with a batch of 8 takes \d+\.\d MiB"):
        train(recipe)
