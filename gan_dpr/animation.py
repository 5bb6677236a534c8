"""Paths between two points, and frames -> GIF, WebP or MP4."""

import contextlib
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .files import replacing

SUFFIXES = (".gif", ".webp", ".mp4")


def lerp(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The straight line from a (D,) to b (D,): t (T,) in [0, 1] -> (T, D)."""
    return a + t[:, None] * (b - a)


def slerp(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The great circle from a (D,) to b (D,), with lengths mixed linearly: t (T,) in [0, 1] -> (T, D).

    Half-way between two independent normal vectors a straight line is shorter than either by sqrt(2),
    where no noise of training ever was; the arc stays at their length (White 2016). Vectors that are
    (anti)parallel or zero have no arc of their own and are joined by the line.
    """
    lengths = a.norm(), b.norm()
    cosine = (a @ b / (lengths[0] * lengths[1])).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if not torch.sin(angle) > 1e-4:  # also where a zero vector made it NaN
        return lerp(a, b, t)
    arc = (
        torch.sin((1 - t) * angle)[:, None] * (a / lengths[0]) + torch.sin(t * angle)[:, None] * (b / lengths[1])
    ) / torch.sin(angle)
    return arc * lerp(lengths[0][None], lengths[1][None], t)


def check_animation_path(path: str | Path) -> Path:
    """The path, if its suffix is one that `save_animation` writes; else ValueError."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"Cannot write an animation to {path}: end the name in {', '.join(SUFFIXES)}.")
    return path


def save_animation(
    frames: list[Image.Image], path: str | Path, frames_per_second: float = 12.0, ping_pong: bool = False
) -> int:
    """Write RGB frames of one size as a looping GIF or WebP (lossless) or an H.264 MP4, by the suffix.

    `ping_pong` appends the frames in reverse, without repeating either end. Frames that are equal to the one
    before are merged into a longer one in GIF and WebP; the length in seconds stays. Returns how many frames are
    shown. ValueError for what cannot be a film, OSError where it cannot be written whole.
    """
    path = check_animation_path(path)
    if not frames:
        raise ValueError("An animation needs at least one frame.")
    if len({frame.size for frame in frames}) > 1:
        raise ValueError("The frames of an animation must be of one size.")
    frames = [frame.convert("RGB") for frame in frames]
    if ping_pong:
        frames += frames[-2:0:-1]
    with replacing(path) as part:
        if path.suffix.lower() == ".mp4":
            _save_mp4(frames, part, frames_per_second)
            return len(frames)
        unit = 10 if path.suffix.lower() == ".gif" else 1  # milliseconds: GIF counts in hundredths of a second
        ends = [round(i * 1000 / frames_per_second / unit) * unit for i in range(len(frames) + 1)]
        options = {"save_all": True, "duration": [b - a for a, b in pairwise(ends)], "loop": 0}
        if unit == 10:
            # A palette for each frame and no dithering: on plain backgrounds dither would flicker.
            shown = [frame.quantize(256, dither=Image.Dither.NONE) for frame in frames]
            shown[0].save(part, append_images=shown[1:], disposal=1, **options)
        else:
            if len(frames) > 1 and len({frame.tobytes() for frame in frames}) == 1:
                # Of frames that are all equal WebP would make a still, which has no length: one value moves by one.
                frames[-1] = frames[-1].copy()
                red, *others = frames[-1].getpixel((0, 0))
                frames[-1].putpixel((0, 0), (red - 1 if red else 1, *others))
            frames[0].save(part, append_images=frames[1:], lossless=True, **options)
    return len(frames)


def _save_mp4(frames: list[Image.Image], path: Path, frames_per_second: float) -> None:
    """H.264 in yuv420p, which every browser plays; odd sides get one more row or column, repeated.

    ffmpeg is called here and not through imageio_ffmpeg's writer, which does not tell how it ended.
    """
    import imageio_ffmpeg

    width, height = frames[0].size
    size = f"{width + width % 2}x{height + height % 2}"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size,
        "-r", f"{frames_per_second:g}", "-i", "-", "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "14",
        "-movflags", "+faststart", str(path),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ffmpeg:
        with contextlib.suppress(BrokenPipeError):  # it ended early: why is in its status and its words
            for frame in frames:
                padded = np.pad(np.asarray(frame), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                ffmpeg.stdin.write(padded.tobytes())
        _, words = ffmpeg.communicate()
    if ffmpeg.returncode == 0:
        with contextlib.suppress(RuntimeError):  # what stands there is no film
            if imageio_ffmpeg.count_frames_and_secs(str(path))[0] == len(frames):
                return
    reason = words.decode(errors="replace").strip().splitlines() or [f"ffmpeg ended with {ffmpeg.returncode}"]
    raise OSError(f"The film could not be written ({reason[-1]}): is the disk full?")
