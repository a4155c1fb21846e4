"""Checkpoints read and loaded: wrapped, damaged, malicious, of another network."""

import os
import pickle
import re

import numpy as np
import pytest
import torch
from scrambled import same, scramble, snapshot, tiny
from torch import nn

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.loading import load_weights, read_weights

# Reading


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict", "model", "network"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_wrapped_and_prefixed_checkpoints_are_read(tmp_path, legacy, wrapper, prefix):
    state = scramble(tiny()).state_dict()
    content = {prefix + name: tensor for name, tensor in state.items()}
    if wrapper:
        content = {"epoch": 3, wrapper: content, "optimizer": {"lr": 0.1}}
    torch.save(content, tmp_path / "c.pth", _use_new_zipfile_serialization=not legacy)
    assert same(read_weights(tmp_path / "c.pth"), state)


def unreadable(path) -> str:
    with pytest.raises(InputError) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert "weights_only" not in str(caught.value)  # no advice to switch the protection off
    return str(caught.value)


class Malicious:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("way", ["torch.save", "legacy", 2, 4])
def test_a_pickle_that_would_run_code_does_not(tmp_path, way):
    """As torch.save writes it now, as it did before 2020, and as pickle itself does."""
    target, path = tmp_path / "made_by_the_pickle", tmp_path / "evil.pth"
    content = {"fc.bias": Malicious(target), "fc.weight": torch.zeros(2)}
    if isinstance(way, int):
        path.write_bytes(pickle.dumps(content, protocol=way))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=way == "torch.save")
    assert ("not a PyTorch file" if way == 4 else f"asks to run {os.mkdir.__module__}.mkdir") in unreadable(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Malicious(target)))  # the trap is a real one
    assert target.exists()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("keep", [0, 30, 500, 0.5, 0.99])
def test_truncated_files_are_refused(tmp_path, legacy, keep):
    path = tmp_path / "c.pth"
    torch.save(tiny().state_dict(), path, _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    unreadable(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>not found</html>", "not a PyTorch file"),
        (np.random.default_rng(0).bytes(1000), "not a PyTorch file"),
        (b"PK\x03\x04" + b"0" * 100, "damaged"),
        (torch.zeros(3), "holds Tensor"),
        ([torch.zeros(3)], "holds list"),
        ({}, "not a dictionary of tensors"),
        ({"epoch": 3}, "more than tensors: epoch"),
        ({"a": torch.zeros(1), 5: torch.zeros(1)}, "more than tensors: 5"),
        (nn.Linear(2, 2), "asks to run torch.nn.modules.linear.Linear"),
        ({"accuracy": np.float64(0.5)}, "asks to run numpy"),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "c.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    assert reason in unreadable(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "no such file" in unreadable(tmp_path / "none.pth")
    assert "no such file" in unreadable(tmp_path)


# Loading


def misfit(network, tensors, **options) -> str:
    before = snapshot(network)
    with pytest.raises(InputError) as caught:
        load_weights(network, tensors, **options)
    assert same(before, network.state_dict())
    return str(caught.value)


def test_loading_copies():
    network, other = scramble(tiny(), 1), scramble(tiny(), 2)
    tensors = other.state_dict()
    load_weights(network, tensors)
    assert same(tensors, network.state_dict())
    network.fc.weight.data.zero_()
    assert other.fc.weight.any()  # a copy, not the same memory


def test_both_lists_are_in_the_refusal():
    tensors = scramble(tiny(), 2).state_dict()
    tensors["extra"] = tensors.pop("fc.bias")
    tensors["stem.0.weight"] = tensors["stem.0.weight"][:1]
    text = misfit(scramble(tiny(), 1), tensors)
    assert f"{len(tensors) - 2} tensors fit" in text
    assert "1 missing: fc.bias" in text
    assert "1 unexpected: extra" in text
    assert "1 misshapen: stem.0.weight ((1, 3, 1, 7, 7), network: (2, 3, 1, 7, 7))" in text


def test_the_wrong_network_is_refused_briefly():
    text = misfit(tiny("r3d"), tiny("r2plus1d").state_dict())
    assert re.search(r"\d+ unexpected: .*, … and \d+ more", text)
    assert len(text) < 1200


def test_the_other_rule_for_midplanes_is_found_out():
    text = misfit(tiny(width=8), tiny(width=8, midplanes="per_block").state_dict())
    assert "layer2.0.conv2.0.0.weight" in text
    assert "midplanes" in text


@pytest.mark.parametrize(
    "wrong",
    [torch.zeros(5, dtype=torch.int64), torch.zeros(5, device="meta"), torch.zeros(5).to_sparse(), [0.0] * 5, None],
)
def test_tensors_of_another_kind_are_refused_before_anything_is_written(wrong):
    tensors = scramble(tiny(), 2).state_dict()
    tensors["fc.bias"] = wrong
    assert "misshapen: fc.bias" in misfit(scramble(tiny(), 1), tensors)


def test_a_network_without_memory_is_refused():
    with torch.device("meta"):
        network = tiny()
    with pytest.raises(InputError, match="no plain tensor"):
        load_weights(network, tiny().state_dict())


def test_precision_may_differ():
    network, tensors = tiny(), {k: v.double() if v.is_floating_point() else v for k, v in tiny().state_dict().items()}
    load_weights(network, tensors)
    torch.testing.assert_close(network.fc.weight, tensors["fc.weight"].float(), rtol=0, atol=0)


@pytest.mark.parametrize("head", ["fc", "linear"])
def test_a_new_head_leaves_the_files_head_out(head):
    network, tensors = scramble(tiny(num_classes=3), 1), scramble(tiny(num_classes=9), 2).state_dict()
    tensors = {name.replace("fc.", f"{head}."): tensor for name, tensor in tensors.items()}
    before = snapshot(network)
    assert "fc." in misfit(network, tensors)
    load_weights(network, tensors, new_head=True)
    after = network.state_dict()
    assert torch.equal(after["fc.weight"], before["fc.weight"])
    assert torch.equal(after["stem.0.weight"], tensors["stem.0.weight"])


def test_a_new_head_excuses_nothing_else():
    tensors = tiny(num_classes=9).state_dict()
    del tensors["stem.0.weight"]
    assert "1 missing: stem.0.weight" in misfit(tiny(num_classes=3), tensors, new_head=True)
