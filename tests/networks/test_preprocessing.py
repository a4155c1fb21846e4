"""The preprocessing that travels with the weights, against torchvision's and by hand."""

import dataclasses

import numpy as np
import pytest
import torch
from peers import import_torchvision

from r2p1d_edu.errors import InputError
from r2p1d_edu.networks.preprocessing import Preprocessing


def frames(*shape, seed=0):
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


# Larger, smaller, already right, upright, and exactly the size of the crop.
@pytest.mark.parametrize("size", [(240, 320), (61, 47), (128, 171), (300, 200), (112, 112)])
def test_it_equals_torchvisions(size):
    torchvision = import_torchvision()
    transform = torchvision.models.video.R2Plus1D_18_Weights.KINETICS400_V1.transforms()
    clips = frames(2, 3, *size)
    expected = transform(clips.permute(0, 1, 4, 2, 3))
    torch.testing.assert_close(Preprocessing()(clips), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(Preprocessing()(clips[0]), expected[:1], rtol=0, atol=1e-6)


def test_its_defaults_are_those_of_all_three_checkpoints():
    video = import_torchvision().models.video
    for weights in (video.R3D_18_Weights, video.MC3_18_Weights, video.R2Plus1D_18_Weights):
        transform, ours = weights.KINETICS400_V1.transforms(), Preprocessing()
        assert tuple(transform.resize_size) == ours.resize
        assert tuple(transform.crop_size) == (ours.crop, ours.crop)
        assert tuple(transform.mean) == ours.mean
        assert tuple(transform.std) == ours.std
        assert f"frame_rate={ours.fps}`" in weights.KINETICS400_V1.meta["_docs"]
        assert f"clip_len={ours.frames}`" in weights.KINETICS400_V1.meta["_docs"]


def test_a_grey_clip_by_hand():
    grey = torch.full((4, 30, 40, 3), 51, dtype=torch.uint8)  # 51 / 255 = 0.2
    prepared = Preprocessing()(grey)
    assert prepared.shape == (1, 3, 4, 112, 112)
    assert prepared.dtype == torch.float32
    for channel, (mean, std) in enumerate(zip((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989), strict=True)):
        expected = torch.full((4, 112, 112), (0.2 - mean) / std)
        torch.testing.assert_close(prepared[0, channel], expected, rtol=0, atol=1e-6)


def test_time_colour_and_place_stay_apart():
    """One bright pixel of one colour in one frame comes out in one place: nothing is transposed."""
    plain = Preprocessing(resize=(6, 8), crop=4, mean=(0, 0, 0), std=(1, 1, 1))
    clip = torch.zeros(2, 5, 6, 8, 3, dtype=torch.uint8)
    clip[1, 3, 2, 5, 0] = 255
    prepared = plain(clip)
    assert prepared.nonzero().tolist() == [[1, 0, 3, 2 - 1, 5 - 2]]  # the crop starts at row 1, column 2


def test_numpy_frames_do_as_well():
    clip = frames(2, 20, 20)
    torch.testing.assert_close(Preprocessing()(clip.numpy()), Preprocessing()(clip), rtol=0, atol=0)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(2, 3, 20, 20, dtype=torch.uint8),  # channels first
        torch.zeros(2, 20, 20, 3),  # normalised already
        torch.zeros(20, 20, 3, dtype=torch.uint8),  # a picture
        torch.zeros(0, 20, 20, 3, dtype=torch.uint8),
        np.zeros((2, 20, 20, 4), np.uint8),
    ],
)
def test_anything_else_is_refused_with_what_was_seen(wrong):
    with pytest.raises(InputError, match=r"must be uint8 \(T, H, W, 3\).*got .*\("):
        Preprocessing()(wrong)


def test_it_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Preprocessing().crop = 224
