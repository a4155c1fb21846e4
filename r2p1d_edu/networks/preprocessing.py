"""What a network expects of its input, kept with its weights: other scaling or other colours cost accuracy silently."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from r2p1d_edu.errors import InputError
from r2p1d_edu.kinetics import MEAN, STD


@dataclass(frozen=True)
class Preprocessing:
    """How decoded frames become a network's input; the defaults are torchvision's for its three video networks.

    Called on uint8 RGB frames (T, H, W, 3), or on a batch of clips (N, T, H, W, 3), as a tensor or a NumPy array, it
    gives float32 (N, 3, T, crop, crop): resized without regard to the aspect ratio, rounded to whole grey levels,
    cropped in the middle, scaled to [0, 1] and normalised. It picks no frames: `frames` and `fps` say which ones the
    network was trained on. Source: torchvision 0.28, transforms/_presets.py, VideoClassification.

    Attributes:
        resize: (height, width) before cropping, bilinear, without antialiasing.
        crop: height and width of the network's input, pixels.
        frames: length of a clip, T.
        fps: frames a second; None takes every frame of a video, whatever its rate.
        mean, std: of red, green and blue, on a scale from 0 to 1.
    """

    resize: tuple[int, int] = (128, 171)
    crop: int = 112
    frames: int = 16
    fps: float | None = 15
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD

    def __call__(self, clips: Tensor) -> Tensor:
        """Prepare uint8 (T, H, W, 3) or (N, T, H, W, 3) frames; raise InputError for anything else."""
        clips = torch.as_tensor(clips)
        if clips.dtype != torch.uint8 or clips.ndim not in (4, 5) or clips.shape[-1] != 3 or 0 in clips.shape:
            expected = "uint8 (T, H, W, 3) or (N, T, H, W, 3), not empty"
            raise InputError(f"frames must be {expected}; got {clips.dtype} {tuple(clips.shape)}")
        batch = clips if clips.ndim == 5 else clips[None]
        pictures = batch.flatten(0, 1).permute(0, 3, 1, 2).float()  # (N·T, 3, H, W)
        if pictures.shape[2:] != self.resize:
            pictures = F.interpolate(pictures, self.resize, mode="bilinear", align_corners=False).round()
        top, left = (round((length - self.crop) / 2) for length in self.resize)  # 29.5 → 30, as in torchvision
        pictures = pictures[..., top : top + self.crop, left : left + self.crop] / 255
        mean, std = (torch.tensor(values, device=clips.device).view(3, 1, 1) for values in (self.mean, self.std))
        normalised = (pictures - mean) / std
        return normalised.unflatten(0, batch.shape[:2]).transpose(1, 2)
