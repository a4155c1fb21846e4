"""Accuracies counted by hand, orders of frames, and the words that go with a number."""

import numpy as np
import pytest
import torch
from torch import nn

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.family import create_network
from r2p1d_edu.training.checkpoint import load_run
from r2p1d_edu.training.data import frame_source, split_of
from r2p1d_edu.training.evaluate import ORDERS, evaluate, evaluate_split
from r2p1d_edu.training.loop import train
from r2p1d_edu.video.clips import Sampling, Video
from r2p1d_edu.video.decode import write_video
from r2p1d_edu.video.frames import FrameDecoder

LENGTH = 12


class Brightening(nn.Module):
    """Says class 0 if the last frame of a clip is brighter than the first, else class 1; the surer, the more it is."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        rise = x[:, :, -1].mean((1, 2, 3)) - x[:, :, 0].mean((1, 2, 3))
        return self.scale * torch.stack([rise, -rise], 1)


@pytest.fixture
def ramps(tmp_path):
    """Videos that brighten (class 0) and darken (class 1); the last two brighten in one third alone."""
    up = np.linspace(40, 200, LENGTH)
    peak = np.concatenate([np.linspace(40, 200, LENGTH // 3), np.linspace(200, 180, LENGTH - LENGTH // 3)])
    rest = 240 - peak[::-1]
    videos = []
    for number, (label, levels) in enumerate([(0, up), (0, up), (1, up[::-1]), (1, up[::-1]), (0, peak), (0, rest)]):
        path = tmp_path / f"{number}.avi"
        write_video(path, np.repeat(levels.astype(np.uint8), 32 * 32 * 3).reshape(LENGTH, 32, 32, 3))
        videos.append(Video(path, label, f"x/{number}"))
    return videos


SAMPLING = Sampling(frames=4, stride=1, size=16)


def score(videos, network=None, **options):
    """Brightening's result on these videos, three clips each, unless the options say otherwise."""
    options = {"split": "ramps", "clips_per_video": 3, "precision": "32"} | options
    return evaluate(network or Brightening(), videos, FrameDecoder(18), SAMPLING, **options)


def test_clip_and_video_accuracy_are_counted_each_in_its_own_way(ramps):
    """Of each of the last two videos one of three clips is right and surely so, and two are wrong by very little."""
    result = score(ramps)
    assert result.clip_accuracy == pytest.approx(14 / 18)
    assert result.video_accuracy == 1
    assert result.probabilities.shape == (6, 2)
    np.testing.assert_allclose(result.probabilities.sum(1), 1, rtol=1e-6)
    middle = score(ramps, clips_per_video=1)
    assert middle.clip_accuracy == middle.video_accuracy == 4 / 6


def test_confusion_sums_to_the_videos_and_its_diagonal_to_the_accuracy(ramps):
    result = score(ramps, clips_per_video=1)
    assert result.confusion.tolist() == [[2, 2], [0, 2]]
    assert result.confusion.sum() == len(ramps)
    assert result.confusion.sum(1).tolist() == [4, 2]
    assert result.confusion.trace() / len(ramps) == result.video_accuracy


def test_orders_do_what_they_say(ramps):
    accuracy = {order: score(ramps[:4], order=order).video_accuracy for order in ("forward", "reversed", "frozen")}
    assert accuracy == {"forward": 1, "reversed": 0, "frozen": 0.5}  # frozen clips are all taken for class 0


def test_orders_keep_the_frames_and_freezing_keeps_one():
    clips = torch.arange(8).view(1, 1, 8, 1, 1).expand(2, 3, 8, 2, 2)
    frames = {name: order(clips)[0, 0, :, 0, 0].tolist() for name, order in ORDERS.items()}
    assert frames["forward"] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert frames["reversed"] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert frames["frozen"] == [0] * 8
    assert sorted(frames["shuffled"]) == frames["forward"]
    assert frames["shuffled"] not in (frames["forward"], frames["reversed"])


def test_on_arrow_a_class_backwards_is_its_counterpart(recipe):
    """What a network says of Fall backwards is what it says of Rise: the same clips, to the bit."""
    pair = recipe.changed(classes=("Fall", "Rise"), frames=LENGTH, clips_per_video=1)
    split, source = split_of(pair), frame_source(pair)
    torch.manual_seed(0)
    for name in ("r3d", "f_r2d"):
        network = create_network(name, depth=10, width=4, num_classes=2).eval()
        forward = evaluate_split(network, split, source, pair)
        backward = evaluate_split(network, split, source, pair, order="reversed")
        fall, rise = (forward.labels == label for label in (0, 1))
        exact = {"rtol": 1e-5, "atol": 1e-7}
        np.testing.assert_allclose(backward.probabilities[fall], forward.probabilities[rise], **exact)
        np.testing.assert_allclose(backward.probabilities[rise], forward.probabilities[fall], **exact)
        assert np.allclose(forward.probabilities, backward.probabilities, **exact) == (name == "f_r2d")
        if name == "f_r2d":  # blind to the order: never more than half of a pair
            assert forward.video_accuracy == 0.5


def test_every_module_keeps_its_own_mode(ramps):
    network = create_network("r3d", depth=10, width=2, num_classes=2).train()
    network.stem.eval()  # frozen, as in fine-tuning
    modes = [module.training for module in network.modules()]
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    score(ramps, network)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())

    def interrupted(batches):
        assert not any(module.training for module in network.modules())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(ramps, network, progress=lambda batches: map(interrupted, batches))
    assert [module.training for module in network.modules()] == modes


def test_a_stored_run_tests_like_the_run_itself(recipe, tmp_path):
    run = train(recipe, folder=tmp_path / "run")
    expected = run.test()
    network, stored = load_run(tmp_path / "run")
    assert stored == recipe
    result = evaluate_split(network, split_of(stored), frame_source(stored), stored)
    assert str(result) == str(expected)
    np.testing.assert_array_equal(result.probabilities, expected.probabilities)
    best, _ = load_run(tmp_path / "run", "best")
    assert type(best) is type(network)
    with pytest.raises(InputError, match="unknown set of weights 'first'; choose one of last, best"):
        load_run(tmp_path / "run", "first")


def test_the_result_says_what_it_is_of(recipe):
    run = train(recipe.changed(epochs=1))
    text = str(run.test())
    for words in ("video accuracy", "clip accuracy", "arrow fold 1, test, 14 videos", "2 clips a video", "4 frames"):
        assert words in text
    assert "at 25 fps, 16×16 centre crop, seed 0)" in text
    assert "1 clip a video, 4 frames, one in 3, at 25 fps, frames frozen, 16×16 centre crop, seed 0" in str(
        evaluate_split(run.network, run.split, run.source, recipe.changed(stride=3), clips_per_video=1, order="frozen")
    )


def test_different_frame_rates_are_said(ramps, tmp_path):
    slow = Video(tmp_path / "slow.avi", 0, "x/9")
    write_video(slow.path, np.zeros((4, 32, 32, 3), np.uint8), fps=10)
    assert "at 10 to 25 fps" in str(score([*ramps, slow]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"order": "sideways"},
            "unknown order of frames 'sideways'; choose one of forward, reversed, shuffled, frozen",
        ),
        ({"clips_per_video": 0}, "clips per video is 0; it must be 1 or more"),
        ({"videos": []}, "ramps: there are no videos to evaluate on"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(ramps, options, message):
    with pytest.raises(InputError, match=message):
        score(**{"videos": ramps} | options)
