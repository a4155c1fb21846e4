"""What is computed in low precision was tried first; what is wrong is said, and computed otherwise."""

import warnings
from functools import cache

import pytest
import torch
from torch import nn

from r2p1d_edu import create_network
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.training import loop, precision
from r2p1d_edu.training.data import frame_source, split_of
from r2p1d_edu.training.evaluate import evaluate_split
from r2p1d_edu.training.loop import train
from r2p1d_edu.training.network import build_network
from r2p1d_edu.training.precision import trust

CLIP = (3, 8, 40, 40)


@pytest.fixture
def network():
    """The tiny network of the lessons."""
    return create_network("r2plus1d", depth=10, width=16).to(memory_format=torch.channels_last_3d)


@pytest.fixture
def faulty(monkeypatch):
    """A machine whose bfloat16 weight gradient is wrong, by a factor, for temporal kernels on two frames."""
    real = torch.autograd.grad

    def pretend(factor):
        def grad(out, inputs, *rest):
            gradients = list(real(out, inputs, *rest))
            if out.dtype == torch.bfloat16 and inputs[0].shape[2:4] == (2, 5) and inputs[1].shape[2] == 3:
                gradients[1] = gradients[1] * factor
            return tuple(gradients)

        monkeypatch.setattr(torch.autograd, "grad", grad)

    monkeypatch.setattr(precision, "choose_precision", lambda asked, device: "bf16" if asked == "auto" else asked)
    precision.fault_of.cache_clear()
    yield pretend
    precision.fault_of.cache_clear()


def in_float32(network):
    return [name for name, module in network.named_modules() if getattr(module, "in_float32", False)]


def test_a_right_machine_is_trusted_and_the_network_is_left_alone(network, monkeypatch):
    monkeypatch.setattr(precision, "choose_precision", lambda *_: "bf16")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    verdict = trust(network, CLIP, 16)
    assert (verdict.precision, verdict.wrong, str(verdict)) == ("bf16", (), "")
    assert in_float32(network) == []
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("factor", [1.1, 0.9, float("nan"), float("inf"), 0.0])
def test_what_is_wrong_runs_in_float32_and_is_named(network, faulty, factor):
    faulty(factor)
    verdict = trust(network, CLIP, 16)
    assert in_float32(network) == ["layer3.0.conv2.0.3"]
    assert str(verdict) == (
        "this machine computes bfloat16 wrongly in layer3.0.conv2.0.3 (144 → 64 channels, kernel 3×1×1 on 2×5×5: "
        "its weight gradient differs from float32's): run in float32"
    )


def test_rounding_is_not_wrong(network, faulty):
    faulty(1.005)
    assert not trust(network, CLIP, 16).wrong


def test_what_runs_in_float32_is_right(network, faulty):
    faulty(2.0)
    trust(network, CLIP, 16)
    conv = network.get_submodule("layer3.0.conv2.0.3")
    x = torch.randn(2, 144, 2, 5, 5)
    with torch.autocast("cpu", torch.bfloat16):
        out = conv(x.bfloat16())
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, conv(x.bfloat16().float()))


def test_a_machine_on_which_nothing_can_be_tried_runs_in_float32(network, monkeypatch):
    monkeypatch.setattr(precision, "choose_precision", lambda *_: "bf16")

    def none(*_):
        raise RuntimeError("no kernel\nof that kind")

    monkeypatch.setattr(precision, "numbers", none)
    precision.fault_of.cache_clear()
    verdict = trust(network, CLIP, 16)
    precision.fault_of.cache_clear()
    assert len(verdict.wrong) == len(in_float32(network)) == sum(isinstance(m, Conv) for m in network.modules())
    assert "stem.0 (3 → 11 channels, kernel 1×7×7 on 8×40×40: it cannot be tried, no kernel)" in str(verdict)
    assert str(verdict).endswith("and 20 more: run in float32")


def test_asked_for_by_name_it_is_refused_with_what_to_use(network, faulty):
    faulty(2.0)
    with pytest.raises(InputError, match=r"wrongly in layer3.*in float32 with precision auto, or give precision 32"):
        trust(network, CLIP, 16, "bf16")
    assert trust(network, CLIP, 16, "32").precision == "32"
    assert in_float32(network) == []  # the marks of before are gone


def test_each_convolution_is_tried_once_a_process(network, faulty, monkeypatch):
    trust(network, CLIP, 16)
    monkeypatch.setattr(precision, "numbers", None)
    trust(network, CLIP, 16)
    with pytest.raises(TypeError):
        trust(network, (3, 8, 24, 24), 16)


def test_memory_that_was_never_written_is_found(monkeypatch):
    real = Conv.conv3d

    def unwritten(conv, x):
        junk = torch.empty(4096).sum() if torch.is_autocast_enabled("cpu") else 0
        return real(conv, x) + junk

    monkeypatch.setattr(Conv, "conv3d", unwritten)
    monkeypatch.setattr(precision, "choose_precision", lambda *_: "bf16")
    precision.fault_of.cache_clear()
    assert trust(nn.Sequential(Conv(16, 16, (3, 3, 3))), (16, 8, 4, 4), 4).wrong
    precision.fault_of.cache_clear()


def test_training_says_it_once_and_goes_on(recipe, faulty):
    faulty(2.0)
    changed = recipe.changed(precision="auto", network="r2plus1d", frames=8, size=40, epochs=1)
    with pytest.warns(RuntimeWarning, match="this machine computes bfloat16 wrongly") as said:
        run = train(changed)
    assert len(said) == 1
    assert run.precision == "bf16"
    assert in_float32(run.network)


def test_validation_leaves_the_marks_of_a_compiled_training(recipe, faulty, monkeypatch):
    """What is wrong under torch.compile need not be wrong without: here each case is wrong compiled, and none plain."""
    faulty(1.0)
    monkeypatch.setattr(precision, "fault_of", cache(lambda case, *_: "wrong" if case.compiled else ""))
    monkeypatch.setattr(loop, "compiled", lambda network: network)
    seen, real = [], loop.training_step

    def watch(fabric, network, *rest):
        seen.append(len(in_float32(run_network[-1])))
        return real(fabric, network, *rest)

    run_network, build = [], loop.build_network
    monkeypatch.setattr(loop, "build_network", lambda *given: run_network.append(build(*given)) or run_network[-1])
    monkeypatch.setattr(loop, "training_step", watch)
    with pytest.warns(RuntimeWarning, match="wrongly"):
        run = train(recipe.changed(precision="auto", compile=True))
    convolutions = sum(isinstance(module, Conv) for module in run.network.modules())
    assert seen == [convolutions] * 9
    run.test()
    assert len(in_float32(run.network)) == convolutions


def test_evaluation_asks_too(recipe, faulty, arrow_folder):
    faulty(2.0)
    network = build_network(recipe.changed(network="r2plus1d", frames=8, size=40), 2)
    named = recipe.changed(precision="bf16", frames=8, size=40)
    with pytest.raises(InputError, match="wrongly"):
        evaluate_split(network, split_of(recipe), frame_source(named), named)


def test_float32_is_what_the_others_are_held_against(network, monkeypatch):
    monkeypatch.setattr(precision, "fault_of", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trust(network, CLIP, 16, "32").precision == "32"
