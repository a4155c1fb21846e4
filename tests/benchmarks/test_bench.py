"""The benchmark measures what it says: in turn, with equal answers, and refuses wrong frames. No time is tested."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import accounting, decode, roofline, train
from benchmarks.__main__ import main
from benchmarks.measure import Table, machine, peak_bytes, time_interleaved
from benchmarks.peers import peer
from r2p1d_edu.cost.layers import account
from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.convolutions import Conv
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.video.decode import read_frames
from r2p1d_edu.video.ucf101 import load_split


def test_ways_take_turns_and_the_first_round_is_not_timed():
    calls = []
    seconds = time_interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 4
    assert set(seconds) == {"a", "b"}


def test_the_clock_waits_for_any_accelerator(monkeypatch):
    """Apple's GPU too, on which torch.cuda has nothing to say."""
    waits = []
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: waits.append("wait"))
    time_interleaved({"a": lambda: waits.append("call")}, rounds=1)
    assert waits == ["wait", "call", "wait"] * 2


def test_a_table_puts_ratios_first():
    table = Table("Title", "setting", "us", {"us": 2.0, "them": 5.0}, {"GMAC": {"us": "1.5"}}, ("a note",))
    assert table.ratio("them") == 2.5
    lines = str(table).splitlines()
    assert "| them | 2.50 | 5 |  |" in lines
    assert "| us | 1.00 | 2 | 1.5 |" in lines
    assert lines[-1] == "- a note"


def hold(megabytes):
    """Something to call that holds this many megabytes twice, beside as many that stay."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kept = torch.ones(megabytes * 2**18, device=device)
    return lambda: [kept + 1, kept + 2]


def test_the_peak_is_what_was_held_at_once():
    peak = peak_bytes(hold, 100)
    if peak is None:
        pytest.skip("this system does not tell a process how much memory it takes")
    assert 300 * 2**20 <= peak < 340 * 2**20


def test_the_roofline_is_the_larger_of_multiplying_and_moving(monkeypatch):
    cost = account(nn.Sequential(Conv(2, 4, (1, 1, 1)), nn.ReLU()), (2, 3, 5, 5))
    assert cost.macs == 600
    moved = 7 * (2 * 75 + 4 * 75) + 8  # a batch of 7: what goes in and comes out, and the weights
    monkeypatch.setattr(roofline, "matmul_rate", lambda device, dtype: 100.0)
    monkeypatch.setattr(roofline, "bandwidth", lambda device: 1e9)
    assert roofline.roofline_seconds(cost, 7, False, "cpu", torch.float32) == pytest.approx(7 * 6)
    monkeypatch.setattr(roofline, "bandwidth", lambda device: 10.0)
    assert roofline.roofline_seconds(cost, 7, True, "cpu", torch.bfloat16) == pytest.approx(3 * moved * 2 / 10)


def test_what_the_device_can_do_is_measured():
    assert 1e9 < roofline.matmul_rate("cpu", torch.float32) < 1e14  # multiply-adds a second
    assert 1e8 < roofline.bandwidth("cpu") < 1e13


def test_the_machine_is_described_with_every_peer():
    facts = machine()
    assert facts["torch"].startswith("2.")
    assert {"threads", "date", "decord", "fvcore", "gpu"} <= set(facts)


def test_a_peer_that_is_not_there_is_none():
    assert peer("no_such_library_at_all") is None


def test_all_counters_count_the_same_network(monkeypatch):
    monkeypatch.setattr(accounting, "CLIP", (3, 4, 32, 32))
    table = accounting.bench_accounting(rounds=1)
    gmac = {way: float(text) for way, text in table.extra["GMAC"].items()}
    assert set(gmac) == set(table.seconds)
    assert gmac["fvcore"] == gmac["account"]
    assert all(value == pytest.approx(gmac["account"], rel=0.02) for value in gmac.values())


def test_every_way_of_training_is_run_on_the_same_clips(monkeypatch):
    """The ways under torch.compile are only named: to compile them takes a minute."""
    assert {"ours, compiled", "plain Conv3d, best, compiled"} <= set(train.ways_of("tiny", "cpu", compiled=True))
    monkeypatch.setattr(train, "can_compile", lambda device: False)
    monkeypatch.setattr(train, "peak_bytes", lambda make, name, way, device: 2**20 * len(way))
    for name, peer_name in (("mc3_18", "torchvision"), ("tiny", "plain Conv3d")):
        case = replace(train.CASES[name], clip=(3, 4, 32, 32))
        monkeypatch.setitem(train.CASES, name, case)
        steps, inferences = train.bench_train([name], rounds=1)
        assert {"ours", peer_name, f"{peer_name}, best"} <= set(steps.seconds)
        assert "ours, compiled" not in steps.seconds
        assert list(steps.seconds) == list(inferences.seconds) == list(steps.extra["how"])
        assert steps.extra["of the roofline"]["ours"].endswith("%")
        assert steps.extra["peak, MiB"]["ours"] == "4"
        assert "peak, MiB" not in inferences.extra
        assert f"{case.batch} clips of 4×32×32" in str(steps)
    with pytest.raises(InputError, match="r2plus1d_18"):
        train.bench_train(["resnet"])


@pytest.mark.parametrize("name", train.CASES)
def test_ours_and_the_peers_are_the_same_network(name):
    case = train.CASES[name]
    with torch.device("meta"):
        ours = create_network(case.network, num_classes=train.CLASSES, **case.options)
        theirs = train.peer_of(case)[1]()
    shapes = [{key: value.shape for key, value in net.state_dict().items()} for net in (ours, theirs)]
    assert shapes[0] == shapes[1]
    assert {type(module) for module in theirs.modules() if isinstance(module, nn.Conv3d)}.isdisjoint({Conv})


def test_clips_epochs_and_the_index_are_measured_on_right_frames(arrow_folder, monkeypatch):
    real = decode.peers

    def late(path, indices):
        return read_frames(path, [*indices[1:], indices[0]], decode.SIZE)

    def broken(path, indices):
        raise RuntimeError("no such frame\nand a traceback")

    monkeypatch.setattr(decode, "peers", lambda: {"late": late, "broken": broken} | real())
    clips, epoch, index = decode.bench_decode(arrow_folder / "videos", rounds=1)
    assert {"decord", "OpenCV", "TorchCodec", "late", "broken", "read_frames"} >= set(clips.seconds) >= {"read_frames"}
    assert clips.extra["wrong clips"]["read_frames"] == "0"
    assert clips.extra["wrong clips"]["late"] == clips.extra["wrong clips"]["broken"] == "40"
    assert "late is wrong in 40 of 40 clips: " in clips.notes[0]
    assert clips.notes[1].endswith(": no such frame")
    assert set(epoch.seconds) == {"from the cache", "decoding"}
    assert "13,320 files" in index.setting
    monkeypatch.setattr(decode, "read_frames", lambda path, indices, size: late(path, indices))
    with pytest.raises(InputError, match=r"read_frames: .*came for frame"):
        decode.clips_table(load_split(arrow_folder / "videos"), 1)


def test_the_command_prints_tables_or_json(monkeypatch, capsys):
    monkeypatch.setattr(accounting, "CLIP", (3, 4, 32, 32))
    monkeypatch.setattr(accounting, "peers", lambda network: {})
    assert main(["accounting", "--json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert table["title"] == "Accounting"
    assert np.isfinite(table["seconds"]["account"])
    assert main(["accounting"]) == 0
    printed = capsys.readouterr().out
    assert "- threads: " in printed
    assert "| account | 1.00 |" in printed
