import math

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr.animation import lerp, save_animation, slerp


def frames(n: int = 5, size: tuple[int, int] = (32, 32)) -> list[Image.Image]:
    """A white square that walks over blue, never twice in one place."""
    made = []
    for i in range(n):
        picture = Image.new("RGB", size, (41, 98, 255))
        picture.paste((250, 250, 250), (2 * i, 4, 2 * i + 8, 12))
        made.append(picture)
    return made


def read(path) -> list[np.ndarray]:
    with Image.open(path) as film:
        shown = []
        for i in range(film.n_frames):
            film.seek(i)
            shown.append(np.asarray(film.convert("RGB")))
        return shown


def test_lerp() -> None:
    line = lerp(torch.tensor([0.0, 2.0]), torch.tensor([4.0, 0.0]), torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(line, torch.tensor([[0.0, 2.0], [1.0, 1.5], [4.0, 0.0]]))


def test_slerp_follows_the_arc() -> None:
    arc = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1 / 3, 0.5, 1.0]))
    half = math.sqrt(0.5)
    expected = torch.tensor([[1.0, 0.0], [math.sqrt(3) / 2, 0.5], [half, half], [0.0, 1.0]])
    torch.testing.assert_close(arc, expected)


def test_slerp_mixes_lengths() -> None:
    arc = slerp(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0]), torch.linspace(0, 1, 5))
    torch.testing.assert_close(arc.norm(dim=1), torch.tensor([2.0, 2.5, 3.0, 3.5, 4.0]))


@pytest.mark.parametrize("b", [[3.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
def test_slerp_without_an_arc_is_the_line(b: list[float]) -> None:
    a, b, t = torch.tensor([1.0, 0.0]), torch.tensor(b), torch.linspace(0, 1, 4)
    torch.testing.assert_close(slerp(a, b, t), lerp(a, b, t))


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_frames_come_back_exactly(tmp_path, suffix: str) -> None:
    save_animation(frames(), tmp_path / f"a{suffix}", frames_per_second=10)
    for shown, frame in zip(read(tmp_path / f"a{suffix}"), frames(), strict=True):
        np.testing.assert_array_equal(shown, np.asarray(frame))
    with Image.open(tmp_path / f"a{suffix}") as film:
        film.load()
        assert (film.info["duration"], film.info["loop"]) == (100, 0)


def test_mp4(tmp_path) -> None:
    save_animation(frames(size=(33, 31)), tmp_path / "a.mp4", frames_per_second=10)
    shown = imageio_ffmpeg.read_frames(str(tmp_path / "a.mp4"))
    about = next(shown)
    assert (about["size"], about["codec"], about["fps"]) == ((34, 32), "h264", 10)
    pictures = [np.frombuffer(frame, np.uint8).reshape(32, 34, 3) for frame in shown]
    assert len(pictures) == 5
    wanted = np.asarray(frames(size=(33, 31))[0]).astype(int)
    assert np.abs(pictures[0][:31, :33] - wanted).mean() < 6


def test_ping_pong_repeats_no_end(tmp_path) -> None:
    save_animation(frames(4), tmp_path / "a.webp", ping_pong=True)
    shown = read(tmp_path / "a.webp")
    assert len(shown) == 6
    np.testing.assert_array_equal(shown[4], shown[2])
    np.testing.assert_array_equal(shown[5], shown[1])


@pytest.mark.parametrize(
    ("pictures", "name", "message"),
    [
        ([], "a.gif", "at least one frame"),
        (frames(2), "a.avi", r"end the name in \.gif, \.webp, \.mp4"),
        ([*frames(1), *frames(1, size=(16, 16))], "a.gif", "of one size"),
    ],
)
def test_refusals_write_nothing(tmp_path, pictures: list[Image.Image], name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        save_animation(pictures, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    save_animation(frames(2), tmp_path / "a.gif")
    before = (tmp_path / "a.gif").read_bytes()

    def fail(self, path, **options):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_animation(frames(3), tmp_path / "a.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]
    assert (tmp_path / "a.gif").read_bytes() == before


@pytest.mark.parametrize(("n", "rate"), [(24, 12), (7, 30), (50, 24)])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_lasts_as_long_as_it_should(tmp_path, suffix: str, n: int, rate: float) -> None:
    assert save_animation(frames(n, size=(128, 32)), tmp_path / f"a{suffix}", rate) == n
    assert length(tmp_path / f"a{suffix}") == pytest.approx(1000 * n / rate, abs=5)


def length(path) -> int:
    """Milliseconds that all frames take together."""
    with Image.open(path) as film:
        lengths = []
        for i in range(film.n_frames):
            film.seek(i)
            film.load()
            lengths.append(film.info["duration"])
    return sum(lengths)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_in_which_nothing_moves_keeps_its_length(tmp_path, suffix: str) -> None:
    save_animation(frames(1) * 24, tmp_path / f"a{suffix}", 12)
    assert length(tmp_path / f"a{suffix}") == 2000
    for shown in read(tmp_path / f"a{suffix}"):
        np.testing.assert_allclose(shown.astype(int), np.asarray(frames(1)[0]).astype(int), atol=1)


def test_the_frames_that_are_shown_are_counted(tmp_path) -> None:
    assert save_animation(frames(24, size=(128, 32)), tmp_path / "a.gif", ping_pong=True) == 46


@pytest.mark.parametrize(
    "script",
    [
        "exit 3",
        "echo 'no space left' >&2; exit 1",
        "kill -25 $$",
        'cat >/dev/null; for x; do :; done; : >"$x"',  # all is well, says it, and writes nothing
    ],
)
def test_a_film_that_ffmpeg_does_not_finish_is_an_error(tmp_path, monkeypatch, script: str) -> None:
    (tmp_path / "a.mp4").write_bytes(b"old")
    fake = tmp_path / "ffmpeg"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(fake))
    with pytest.raises(OSError, match="film could not be written"):
        save_animation(frames(20, size=(256, 256)), tmp_path / "a.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "ffmpeg"]
    assert (tmp_path / "a.mp4").read_bytes() == b"old"
