"""Which device and which precision are chosen, on machines of every kind."""

import logging
import platform
import subprocess
import sys
import warnings

import pytest
import torch

from r2p1d_edu.errors import InputError
from r2p1d_edu.training import device as module
from r2p1d_edu.training.device import choose_device, choose_precision, make_fabric
from r2p1d_edu.training.evaluate import evaluate_split
from r2p1d_edu.training.loop import train


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with these devices and these abilities."""

    def pretend(*devices, gpu_bf16=False, cpu_bf16=False, gpus=1):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in devices)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in devices)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation: gpu_bf16 or including_emulation
        )
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": cpu_bf16}, raising=False)

    return pretend


@pytest.mark.parametrize(
    ("devices", "chosen"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")]
)
def test_auto_is_the_fastest_that_is_there(machine, devices, chosen):
    machine(*devices)
    assert choose_device() == choose_device("auto") == chosen
    assert choose_device("cpu") == "cpu"
    assert all(choose_device(name) == name for name in devices)


@pytest.mark.parametrize(
    ("devices", "asked", "here"), [((), "cuda", "cpu"), (("mps",), "cuda", "mps, cpu"), (("cuda",), "tpu", "cuda, cpu")]
)
def test_a_device_that_is_not_there_is_refused_with_what_is(machine, devices, asked, here):
    machine(*devices)
    with pytest.raises(InputError, match=f"device '{asked}' is not available here; choose auto or one of {here}$"):
        choose_device(asked)


def test_auto_precision_is_bf16_where_the_hardware_has_it(machine):
    machine("cuda", gpu_bf16=True, cpu_bf16=False)
    assert [choose_precision("auto", device) for device in ("cuda", "cpu", "mps")] == ["bf16", "32", "32"]
    machine("cuda", gpu_bf16=False, cpu_bf16=True)
    assert [choose_precision("auto", device) for device in ("cuda", "cpu", "mps")] == ["32", "bf16", "32"]
    assert choose_precision("bf16", "cuda") == "bf16"
    assert choose_precision("32", "cpu") == "32"


def test_a_torch_that_cannot_tell_counts_as_no(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("auto", "cpu") == "32"


@pytest.mark.parametrize(("precision", "kind"), [("32", "32-true"), ("bf16", "bf16-mixed")])
def test_fabric_is_told_the_same_and_keeps_quiet(caplog, precision, kind):
    with caplog.at_level(logging.INFO):
        fabric = make_fabric("cpu", precision)
    assert fabric.device.type == "cpu"
    assert fabric.world_size == 1
    assert fabric._precision.precision == kind
    assert caplog.text == ""


def test_more_processes_than_gpus_are_refused(machine, monkeypatch):
    machine("cuda", gpus=1)
    monkeypatch.setattr(module, "is_torchelastic_launched", lambda: True)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="torchrun started 2 processes here, but there are 1 devices of kind cuda"):
        make_fabric("cuda", "32")


def test_bf16_trains_and_evaluates_on_a_cpu(recipe):
    run = train(recipe.changed(precision="bf16", epochs=1))
    assert all(p.dtype == torch.float32 for p in run.network.parameters())
    plain = train(recipe.changed(epochs=1))
    losses, expected = ([row["loss"] for row in r.history] for r in (run, plain))
    assert losses == pytest.approx(expected, rel=0.05)
    assert losses != expected
    assert run.test().probabilities.dtype == "float32"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_one_epoch_on_cuda(recipe, tmp_path, precision):
    run = train(recipe.changed(device="cuda", precision=precision, validation=0, epochs=1), folder=tmp_path / "run")
    plain = train(recipe.changed(device="cpu", validation=0, epochs=1))
    assert {p.device.type for p in run.network.parameters()} == {"cuda"}
    losses, expected = ([row["loss"] for row in r.history] for r in (run, plain))
    assert losses == pytest.approx(expected, rel=0.05)
    on_gpu = evaluate_split(run.network, run.split, run.source, recipe)
    on_cpu = evaluate_split(run.network.cpu(), run.split, run.source, recipe)
    assert on_gpu.probabilities == pytest.approx(on_cpu.probabilities, abs=0.02)


@pytest.mark.parametrize(("cost", "left"), [(0.6, 2), (1.0, 2), (9.5, 1)])
def test_a_busy_machine_gets_one_thread_and_a_line(monkeypatch, cost, left):
    monkeypatch.setattr(module, "thread_cost", lambda threads: cost)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            module.choose_threads()
        assert torch.get_num_threads() == left
    finally:
        torch.set_num_threads(before)
    words = ["this machine is busy: 2 threads take 9.5 times as long as one; training uses one"] * (left == 1)
    assert [str(each.message) for each in said] == words


def test_threads_are_measured_and_left_as_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert 0 < module.thread_cost(2) < 1000
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
@pytest.mark.parametrize("kept", [True, False])
def test_freed_memory_is_kept(kept):
    program = """
import resource, sys, torch
from r2p1d_edu.training.device import keep_freed_memory
if sys.argv[1] == "True":
    keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)  # 64 MiB: above what glibc would ever keep by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(), faults()
print(faults() + faults())
"""
    done = subprocess.run([sys.executable, "-c", program, str(kept)], capture_output=True, text=True, check=True)
    assert (int(done.stdout) < 64) == kept
