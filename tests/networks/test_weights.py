"""The layouts of torchvision and VMZ, the table of published weights, and networks made from it."""

import dataclasses
import hashlib
import json
import re
import threading
import time
from pathlib import Path

import pytest
import torch
from bad_server import names, well
from peers import import_torchvision
from scrambled import TINY, same, scramble, tiny
from torch import nn

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks import weights
from r2p1d_edu.networks.family import BUILDERS, create_network
from r2p1d_edu.networks.weights import CHECKPOINTS, load_weights, pretrained

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "torchvision_state_dicts.json").read_text())
TORCHVISION = ["r3d_18", "mc3_18", "r2plus1d_18"]


def built(name, device="meta"):
    with torch.device(device):
        return create_network(CHECKPOINTS[name].network, **CHECKPOINTS[name].options)


def shapes(tensors):
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


# Layouts


@pytest.mark.parametrize("name", TORCHVISION)
def test_keys_and_shapes_are_torchvisions_in_order(name):
    ours = shapes(built(name).state_dict())
    assert list(ours.items()) == list(GOLDEN[name].items())


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_layout_loads_and_every_tensor_arrives(name):
    tensors = {
        key: torch.full(shape, float(number)) if "num_batches" not in key else torch.tensor(number)
        for number, (key, shape) in enumerate(GOLDEN[name].items())
    }
    network = built(name).to_empty(device="cpu")
    load_weights(network, tensors)
    assert same(tensors, network.state_dict())


@pytest.mark.parametrize("name", TORCHVISION)
def test_outputs_equal_torchvisions(name):
    peer = scramble(getattr(import_torchvision().models.video, name)(weights=None, num_classes=7).double()).eval()
    ours = create_network(CHECKPOINTS[name].network, **{**CHECKPOINTS[name].options, "num_classes": 7}).double().eval()
    load_weights(ours, peer.state_dict())
    clip = torch.randn(1, 3, 4, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, seen = peer(clip), ours(clip)
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(seen, expected, rtol=1e-9, atol=1e-12)


def vmz34(num_classes):
    """Names and shapes of the 34-layer R(2+1)D, written out from the layout of ig65m-pytorch (ig65m/models.py)."""

    def norm(name, channels):
        statistics = {part: [channels] for part in ("weight", "bias", "running_mean", "running_var")}
        return {f"{name}.{part}": shape for part, shape in {**statistics, "num_batches_tracked": []}.items()}

    layout = {"stem.0.weight": [45, 3, 1, 7, 7], **norm("stem.1", 45)}
    layout |= {"stem.3.weight": [64, 45, 3, 1, 1], **norm("stem.4", 64)}
    groups = [(1, 3, 64, 144, 144), (2, 4, 128, 230, 288), (3, 6, 256, 460, 576), (4, 3, 512, 921, 1152)]
    inside = 64
    for group, blocks, out, first, rest in groups:
        for block in range(blocks):
            for conv in (1, 2):
                name, mid = f"layer{group}.{block}.conv{conv}", first if block + conv == 1 else rest
                layout |= {f"{name}.0.0.weight": [mid, inside, 1, 3, 3], **norm(f"{name}.0.1", mid)}
                layout |= {f"{name}.0.3.weight": [out, mid, 3, 1, 1], **norm(f"{name}.1", out)}
                if block == 0 and conv == 1 and group > 1:
                    down = f"layer{group}.0.downsample"
                    layout |= {f"{down}.0.weight": [out, inside, 1, 1, 1], **norm(f"{down}.1", out)}
                inside = out
    return layout | {"fc.weight": [num_classes, 512], "fc.bias": [num_classes]}


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if "_34_" in name])
def test_the_34_layer_layout_is_vmzs(name):
    network = built(name)
    assert shapes(network.state_dict()) == vmz34(CHECKPOINTS[name].options["num_classes"])
    trained = sum(tensor.numel() for tensor in network.parameters())
    if "kinetics" in name:
        assert trained == 63_697_175  # 63.6 million in VMZ's model_zoo.md


# The table


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_the_table_is_complete_and_consistent(name):
    row = CHECKPOINTS[name]
    assert row.network in BUILDERS
    assert row.url.startswith("https://")
    assert row.url.endswith(".pth")
    assert re.fullmatch(r"[0-9a-f]{8}([0-9a-f]{56})?", row.sha256)
    assert row.url.removesuffix(".pth").endswith("-" + row.sha256[:8])
    assert row.accuracy
    assert row.source
    if row.size:  # the tensors and some overhead for the format
        bytes_ = sum(tensor.numel() * tensor.element_size() for tensor in built(name).state_dict().values())
        assert 0 < row.size - bytes_ < 100_000


def test_the_table_repeats_torchvisions_metadata():
    video = import_torchvision().models.video
    for name, enum in zip(
        TORCHVISION, (video.R3D_18_Weights, video.MC3_18_Weights, video.R2Plus1D_18_Weights), strict=True
    ):
        published, ours = enum.KINETICS400_V1, CHECKPOINTS[name]
        accuracy = published.meta["_metrics"]["Kinetics-400"]
        assert ours.url == published.url
        assert ours.size / 2**20 == pytest.approx(published.meta["_file_size"], abs=6e-4)
        assert f"top-1 {accuracy['acc@1']:.2f} %, top-5 {accuracy['acc@5']:.2f} %" in ours.accuracy
        assert len(published.meta["categories"]) == ours.options["num_classes"]


# Published weights


@pytest.fixture
def published(server, tmp_path, monkeypatch):
    """A tiny checkpoint, on a server on this machine, as the table's only row."""
    state = scramble(tiny(), 3).state_dict()
    file = tmp_path / "served" / "tiny.pth"
    file.parent.mkdir()
    torch.save(state, file)
    server.routes["/tiny.pth"] = lambda handler: well(handler, file.read_bytes())
    row = dataclasses.replace(
        CHECKPOINTS["r2plus1d_34_8_kinetics"],
        options=TINY,
        url=server.url + "/tiny.pth",
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        size=file.stat().st_size,
    )
    monkeypatch.setattr(weights, "CHECKPOINTS", {"tiny": row})
    return state, file


def test_pretrained_from_a_file(published):
    state, file = published
    network, preprocessing = pretrained("tiny", file=file)
    assert same(state, network.state_dict())
    assert not network.training
    assert (preprocessing.frames, preprocessing.fps) == (8, None)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm3d)]
    assert {norm.eps for norm in norms} == {1e-3}
    assert {norm.momentum for norm in norms} == {0.1}


def test_pretrained_from_the_server_is_downloaded_once(published, tmp_path, monkeypatch):
    state, file = published
    network, _ = pretrained("tiny", cache=tmp_path / "cache")
    assert same(state, network.state_dict())
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path / "default"))
    pretrained("tiny")
    file.unlink()  # from now on the server has nothing to send
    pretrained("tiny")
    pretrained("tiny", cache=tmp_path / "cache")
    kept = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.p*"))
    assert kept == ["cache/tiny.pth", "default/weights/tiny.pth"]


def test_two_who_want_the_same_weights_fetch_them_once(published, server, tmp_path):
    _, file = published
    server.routes["/tiny.pth"] = lambda handler: (time.sleep(0.2), well(handler, file.read_bytes()))
    threads = [threading.Thread(target=pretrained, args=("tiny",), kwargs={"cache": tmp_path}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.seen) == 1
    assert names(tmp_path) == ["served", "tiny.pth"]


def test_pretrained_accepts_the_published_file_alone(published, tmp_path):
    _, file = published
    torch.save(scramble(tiny(), 4).state_dict(), file)  # it fits, but it is another file
    with pytest.raises(InputError, match=r"could not download .* instead of"):
        pretrained("tiny", cache=tmp_path / "cache")
    assert names(tmp_path / "cache") == []


def test_pretrained_with_a_head_of_ones_own(published):
    state, file = published
    network, _ = pretrained("tiny", num_classes=50, file=file)
    after = network.state_dict()
    assert after["fc.weight"].shape == (50, 32)
    assert after["fc.weight"].std().item() == pytest.approx(0.01, rel=0.1)
    assert not after["fc.bias"].any()
    assert all(torch.equal(after[name], state[name]) for name in state if not name.startswith("fc."))
    kept, _ = pretrained("tiny", num_classes=5, file=file)
    assert torch.equal(kept.fc.weight, state["fc.weight"])


@pytest.mark.parametrize("name", ["stem.0.weight", "layer4.0.conv2.1.running_var", "fc.bias"])
def test_nan_never_reaches_the_user(published, name):
    state, file = published
    state[name].view(-1)[0] = float("nan")
    torch.save(state, file)
    with pytest.raises(InputError, match=f"NaN in {re.escape(name)};"):
        pretrained("tiny", file=file)


def test_a_tensor_that_was_never_set_is_noticed(published, monkeypatch):
    """Were loading to leave one out, its NaN would show."""
    _, file = published

    def forgetful(network, tensors, **options):
        del tensors["layer1.0.conv1.1.running_mean"]
        network.load_state_dict(tensors, strict=False)

    monkeypatch.setattr(weights, "load_weights", forgetful)
    with pytest.raises(InputError, match=r"NaN in layer1\.0\.conv1\.1\.running_mean"):
        pretrained("tiny", file=file)


def test_pretrained_refuses_what_does_not_exist(published):
    with pytest.raises(InputError, match="unknown checkpoint 'r2d'; choose one of tiny"):
        pretrained("r2d")
