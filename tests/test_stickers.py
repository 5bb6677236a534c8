"""Stickers: literal pixels, the chats' limits on every file, and what the upsampler promises."""

import io
import json
import math
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr import cli
from gan_dpr.networks.composition import Composition
from gan_dpr.networks.upsampler import Upsampler
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.stickers.alone import closer, objects_alone, over
from gan_dpr.stickers.finish import blurred, finished, inner_side, spread
from gan_dpr.stickers.pack import Sticker, file_names, write_pack
from gan_dpr.stickers.targets import CHATS, FORMATS, SIZES, Target, check, encoded, target_of

LIMITS = {  # pixels, format, bytes: as the chats say
    "slack": (128, "PNG", 128_000), "discord": (320, "PNG", 512_000), "discord-emoji": (128, "PNG", 256_000),
    "telegram": (512, "WEBP", 512_000), "whatsapp": (512, "WEBP", 100_000),
}  # fmt: skip


@pytest.fixture(scope="module")
def layered(layered_checkpoint: Path) -> GanDprPipeline:
    return GanDprPipeline.from_pretrained(layered_checkpoint, device="cpu")


def repeating() -> Upsampler:
    """An upsampler that makes four of each pixel."""
    upsampler = Upsampler()
    torch.nn.init.zeros_(upsampler.tail.weight)
    torch.nn.init.zeros_(upsampler.tail.bias)
    return upsampler


def draws(drawings: torch.Tensor, pose: list[list[float]], turns: int = 0, tint: tuple = (0, 0, 0, 0)):
    """A generator that draws these, straight RGBA (1, K, 4, C, C), and lays them so."""
    k = drawings.shape[1]
    turn = torch.zeros(1, k, 4)
    turn[..., turns] = 1000
    values = SimpleNamespace(
        pose=torch.tensor([pose]), turn=turn, tint=torch.tensor([[tint] * k]).float(), presence=torch.ones(1, k)
    )
    return SimpleNamespace(
        composition=SimpleNamespace(finished=Composition.finished), noises=lambda z: None, codes=lambda c: None,
        decided=lambda codes, noises: None, layers=lambda codes, noises: (drawings, values),
    )  # fmt: skip


def red_bar() -> torch.Tensor:
    """A red bar of 8 rows and 16 columns in a drawing of 32, not in its middle."""
    drawing = torch.zeros(1, 1, 4, 32, 32)
    drawing[:, :, 0] = 1
    drawing[:, :, 3, 4:12, 10:26] = 1
    return drawing


def test_an_object_is_cut_out_centred_and_fills_the_square() -> None:
    made = objects_alone(draws(red_bar(), [[0.3, 0.8, 0.25]]), repeating(), None, None, 64)
    assert made.shape == (1, 4, 64, 64)
    bar = torch.zeros(64, 64)
    bar[16:48] = 1  # 16 columns become 64, 8 rows 32
    assert (made[0, 3] - bar).abs().mean() < 0.02  # the filter rings at the edge
    assert torch.equal(made[0, 3] > 0.5, bar > 0.5)
    assert (made[0, 0] - made[0, 3]).abs().max() < 1e-5
    assert made[0, 1:3].abs().max() == 0


def test_it_is_turned_and_tinted_as_the_prompt_says() -> None:
    upright = torch.zeros(1, 1, 4, 32, 32)
    upright[:, :, :3, :16], upright[:, :, 3, :, 8:24] = 0.5, 1  # grey above, black below
    generator = draws(upright, [[0.5, 0.5, 1.0]], turns=2, tint=(1, 0, 0, 1))
    made = objects_alone(generator, repeating(), None, None, 32)[0]
    assert made[:, 24, 16].tolist() == pytest.approx([0, 0, 1, 1], abs=1e-3)  # now below, and blue
    assert made[:, 8, 16].tolist() == pytest.approx([0, 0, 0, 1], abs=1e-3)


def test_two_objects_stay_where_they_are_to_each_other() -> None:
    two = torch.ones(1, 2, 4, 32, 32)
    two[:, 0, 1:3], two[:, 1, :2] = 0, 0  # red, then blue
    made = objects_alone(draws(two, [[0.25, 0.25, 0.25], [0.25, 0.625, 0.5]]), repeating(), None, None, 96)[0]
    # columns 0.125 to 0.875 of the picture become 96 pixels: red 0 to 32, blue 32 to 96
    assert made[:, 48, 16].tolist() == pytest.approx([1, 0, 0, 1], abs=0.01)
    assert made[:, 48, 64].tolist() == pytest.approx([0, 0, 1, 1], abs=0.01)
    assert made[3, 20, 16] < 0.01  # the small one is as far from the top as it is small
    assert made[3, 20, 64] > 0.99


def test_an_empty_drawing_is_cut_out_whole() -> None:
    centres, sides = closer(torch.zeros(1, 1, 8, 8), torch.tensor([[[0.4, 0.6, 0.5]]]))
    assert centres.flatten().tolist() == pytest.approx([0.5, 0.5])
    assert sides.flatten().tolist() == pytest.approx([1.0])


def test_what_is_laid_above_covers() -> None:
    above, below = torch.zeros(1, 4, 1, 1), torch.zeros(1, 4, 1, 1)
    above[0, :, 0, 0], below[0, :, 0, 0] = torch.tensor([0.5, 0, 0, 0.5]), torch.tensor([0, 1.0, 0, 1])
    assert over(above, below).flatten().tolist() == [0.5, 0.5, 0, 1]


def test_spread_is_a_disc() -> None:
    dot = torch.zeros(1, 1, 11, 11)
    dot[0, 0, 5, 5] = 1
    row, column = torch.meshgrid(torch.arange(11) - 5, torch.arange(11) - 5, indexing="ij")
    assert torch.equal(spread(dot, 4)[0, 0] > 0, row**2 + column**2 <= 16)
    alpha = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    for radius in (1, 3, 8):
        reach = range(-radius, radius + 1)
        disc = [(r, c) for r in reach for c in reach if r * r + c * c <= radius**2]
        padded = torch.nn.functional.pad(alpha, (radius,) * 4)
        moved = [padded[:, :, radius + r : radius + r + 12, radius + c : radius + c + 12] for r, c in disc]
        assert torch.equal(spread(alpha, radius), torch.stack(moved).amax(0))


def test_a_blurred_dot_is_a_gaussian() -> None:
    dot = torch.zeros(1, 1, 21, 21)
    dot[0, 0, 10, 12] = 1
    soft = blurred(dot, 2.0)[0, 0]
    assert soft[10, 12].item() == pytest.approx(1 / (2 * math.pi * 4), rel=1e-5)
    assert (soft[10, 14] / soft[10, 12]).item() == pytest.approx(math.exp(-0.5), rel=1e-5)
    assert soft[12, 12].item() == pytest.approx(soft[10, 14].item(), rel=1e-5)
    assert soft.sum().item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("size", [64, 128, 256, 320, 512])
def test_outline_and_shadow_lie_around_the_object_within_the_margin(size: int) -> None:
    inner = inner_side(size, True, True)
    square = torch.zeros(1, 4, inner, inner)
    square[:, [0, 3]] = 1
    around = (size - inner) // 2
    plain, lined, both = (
        np.asarray(finished(square, size, outline, shadow)[0]) for outline, shadow in ((0, 0), (1, 0), (1, 1))
    )
    assert plain.shape == lined.shape == both.shape == (size, size, 4)
    assert plain[size // 2, size // 2].tolist() == lined[size // 2, size // 2].tolist() == [255, 0, 0, 255]
    assert plain[size // 2, around - 1, 3] == 0
    assert lined[size // 2, around - 1].tolist() == [255, 255, 255, 255]
    line = round(size / 64)
    assert lined[size // 2, around - line - 1, 3] == 0
    below = both[size - around + line + 1, size // 2]
    assert below[:3].max() == 0  # black, and soft
    assert 0 < below[3] < 0.35 * 255
    for sticker in (plain, lined, both):
        edge = np.concatenate([sticker[0], sticker[-1], sticker[:, 0], sticker[:, -1]])
        assert edge[:, 3].max() <= 1


def noise(side: int) -> Image.Image:
    """The hardest picture to press: no two pixels alike."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 4), dtype=np.uint8), "RGBA")


@pytest.mark.parametrize("chat", LIMITS)
def test_even_noise_keeps_to_the_limits_of_a_chat(chat: str) -> None:
    side, format, largest = LIMITS[chat]
    data = encoded(noise(side), CHATS[chat])
    assert len(data) < largest
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format, opened.size) == (format, (side, side))
        assert opened.convert("RGBA").getextrema()[3][0] < 255


def test_what_fits_is_saved_without_loss() -> None:
    inner = inner_side(512, False, True)
    picture = finished(torch.full((1, 4, inner, inner), 0.5), 512, False, True)[0]
    for target in (CHATS["whatsapp"], CHATS["telegram"], target_of(None, 512, "png"), target_of(None, 512, "webp")):
        with Image.open(io.BytesIO(encoded(picture, target))) as opened:
            shown, wanted = (np.asarray(image.convert("RGBA")) for image in (opened, picture))
            assert np.array_equal(shown[..., 3], wanted[..., 3])
            assert np.array_equal(shown[wanted[..., 3] > 0], wanted[wanted[..., 3] > 0])


def test_what_does_not_fit_at_all_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="Stamp takes at most 900 bytes, and this sticker has .* at its plainest"):
        encoded(noise(128), Target("Stamp", 128, "png", 900))


def test_a_wrong_file_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (128, 128)).save(buffer, "PNG")
    with pytest.raises(ValueError, match="takes transparent png of 128 x 128 px, and this is PNG RGB of 128 x 128"):
        check(buffer.getvalue(), CHATS["slack"])
    with pytest.raises(ValueError, match="takes transparent png of 320 x 320 px, and this is PNG RGBA of 128 x 128"):
        check(encoded(noise(128), target_of(None, 128, "png")), CHATS["discord"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("msn", 256, "png"), "There is no chat 'msn': choose slack, discord, discord-emoji, telegram, whatsapp"),
        ((None, 100, "png"), "A sticker has 64, 128, 256, 512 pixels a side, not 100"),
        ((None, 64, "gif"), "A sticker is png or webp, not 'gif'"),
    ],
)
def test_an_unknown_target_is_one_sentence(arguments: tuple, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        target_of(*arguments)


def test_names_are_numbered_and_plain() -> None:
    names = ["A red cat / on *blue*", "a red cat on blue", "빨간 고양이", "???", "x" * 90]
    assert file_names(names, CHATS["whatsapp"]) == [
        "01-a-red-cat-on-blue.webp", "02-a-red-cat-on-blue.webp", "03-빨간-고양이.webp", "04-sticker.webp",
        f"05-{'x' * 48}.webp",
    ]  # fmt: skip


def test_a_pack_holds_every_sticker_with_its_name(tmp_path: Path) -> None:
    plain = Image.new("RGBA", (512, 512), (255, 0, 0, 128))
    stickers = [Sticker(plain, f"thing {i}", {"prompt": f"thing {i}", "seed": str(i)}) for i in range(3)]
    write_pack(tmp_path / "pack.zip", stickers, CHATS["whatsapp"])
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert archive.namelist() == [
            "01-thing-0.webp", "02-thing-1.webp", "03-thing-2.webp", "pack.json", "tray.png"
        ]  # fmt: skip
        rows = json.loads(archive.read("pack.json"))
        assert rows[1] == {"file": "02-thing-1.webp", "name": "thing 1", "prompt": "thing 1", "seed": "1"}
        assert max(len(archive.read(row["file"])) for row in rows) < 100_000
        tray = archive.read("tray.png")
        assert len(tray) <= 50_000
        assert Image.open(io.BytesIO(tray)).size == (96, 96)
    for few, many in ((2, CHATS["whatsapp"]), (31, CHATS["slack"])):
        with pytest.raises(ValueError, match=f"A pack for .* stickers, not {few}"):
            write_pack(tmp_path / "other.zip", stickers[:1] * few, many)
    assert not (tmp_path / "other.zip").exists()


def test_the_pipeline_draws_what_its_pictures_show(layered: GanDprPipeline) -> None:
    seeds = layered(["a cat", "a dog"], 2, generator=torch.Generator().manual_seed(5)).seeds
    together = layered.stickers(["a cat", "a cat", "a dog", "a dog"], seeds, 64, True, True)
    assert [(s.mode, s.size) for s in together] == [("RGBA", (64, 64))] * 4
    alone = layered.stickers("a dog", [seeds[3]], 64, True, True)[0]
    assert np.abs(np.asarray(alone).astype(int) - np.asarray(together[3])).max() <= 1
    for size in SIZES:
        sticker = np.asarray(layered.stickers("a cat", [0], size)[0])
        margin = round(size / 32)
        assert sticker[:margin, :, 3].max() == sticker[:, :margin, 3].max() == 0
        seen = sticker[..., 3] > 16
        extent = max(np.ptp(np.flatnonzero(seen.any(axis))) + 1 for axis in (0, 1))
        assert abs(extent - (size - 2 * margin)) <= 2


def test_bad_stickers_are_one_sentence(layered: GanDprPipeline, pipe: GanDprPipeline) -> None:
    with pytest.raises(ValueError, match="2 prompts came with 1 seeds"):
        layered.stickers(["a", "b"], [1])
    with pytest.raises(ValueError, match="size must be at least 32, not 8"):
        layered.stickers("a", [1], 8)
    with pytest.raises(ValueError, match="knows no object apart from its background: stickers need layers"):
        pipe.stickers("a cat", [1])


@pytest.fixture
def generate(layered_checkpoint: Path, capfd: pytest.CaptureFixture):
    def call(*arguments: str) -> tuple[int, str]:
        try:
            status = cli.main(["generate", *arguments, "--checkpoint", str(layered_checkpoint), "--device", "cpu"])
        except SystemExit as exit_:
            status = exit_.code
        return status, capfd.readouterr().err

    return call


def test_the_command_writes_stickers(generate, tmp_path: Path) -> None:
    out = tmp_path / "stickers"
    assert generate("a cat", "--n", "2", "--seed", "4", "--transparent", "--size", "64", "--out", str(out))[0] == 0
    rows = [json.loads(line) for line in (out / "index.jsonl").read_text().splitlines()]
    assert [(row["file"], row["seed"]) for row in rows] == [("00000_0.png", 4), ("00000_1.png", 5)]
    with Image.open(out / "00000_1.png") as sticker:
        assert (sticker.mode, sticker.size) == ("RGBA", (64, 64))
        assert sticker.text == {"prompt": "a cat", "seed": "5", "checkpoint": "layered"}
        plain = sticker.tobytes()
    chat = ("--for", "whatsapp", "--outline", "--shadow", "--overwrite")
    assert generate("a cat", "--transparent", *chat, "--out", str(out))[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["00000_0.webp", "index.jsonl"]
    assert (out / "00000_0.webp").stat().st_size < 100_000
    outlined = ("--size", "64", "--outline", "white", "--seed", "5", "--overwrite")
    assert generate("a cat", "--transparent", *outlined, "--out", str(out))[0] == 0
    with Image.open(out / "00000_0.png") as sticker:
        assert sticker.tobytes() != plain


def test_the_command_writes_a_pack(generate, tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    assert generate("a cat", "--n", "3", "--transparent", "--for", "slack", "--out", str(pack))[0] == 0
    with zipfile.ZipFile(pack) as archive:
        assert archive.namelist() == ["01-a-cat.png", "02-a-cat.png", "03-a-cat.png", "pack.json"]
    status, error = generate("a cat", "--n", "31", "--transparent", "--out", str(tmp_path / "large.zip"))
    assert (status, error.count("\n")) == (2, 1)
    assert "at most 30 stickers, not 31" in error


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--size", "128"), "are of stickers: add --transparent"),
        (("--shadow",), "are of stickers: add --transparent"),
        (("--transparent", "--for", "msn"), "There is no chat 'msn'"),
        (("--transparent", "--for", "slack", "--size", "64"), "leave out --size and --format"),
        (("--transparent", "--size", "100"), "64, 128, 256, 512 pixels a side, not 100"),
        (("--transparent", "--format", "gif"), "A sticker is png or webp"),
    ],
)
def test_bad_options_are_one_line(generate, tmp_path: Path, options: tuple, sentence: str) -> None:
    status, error = generate("a cat", *options, "--out", str(tmp_path / "out"))
    assert (status, error.count("\n")) == (2, 1)
    assert sentence in error
    assert not (tmp_path / "out").exists()


def test_formats_are_those_that_can_be_written() -> None:
    assert {target_of(None, size, format).format for size in SIZES for format in FORMATS} == {"png", "webp"}
