"""Pictures that nobody here made, as folders that `train --data` and `index` read, and what a model makes of them.

Three Debian packages (`apt-get install tuxpaint-stamps-default openclipart-svg dataset-fashion-mnist`) become

    OUT/train/*.png  OUT/train/metadata.jsonl  OUT/test/*.png  OUT/test/metadata.jsonl

with one caption in ten, and all its pictures, in `test`. docs/own-data.md has commands and results.
"""

import argparse
import gzip
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

STAMPS = Path("/usr/share/tuxpaint/stamps")
CLIPART = Path("/usr/share/openclipart/svg")
FASHION = Path("/usr/share/datasets/fashion-mnist")
CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SIDE = 256  # pixels of the longer side of what is rasterised
PER_CLASS = 600  # of Fashion-MNIST
Captioned = Iterator[tuple[str, Image.Image, dict[str, str]]]  # name, picture, texts by column


def stamps() -> Captioned:
    """Tux Paint's stamps; the first line of the text beside each is English, Korean has its own line."""
    for path in sorted(STAMPS.rglob("*")):
        told = path.with_suffix(".txt")
        if path.suffix not in (".png", ".svg") or not told.is_file():
            continue
        english, *others = told.read_text(encoding="utf-8").splitlines()
        korean = next((line[8:] for line in others if line.startswith("ko.utf8=")), None)
        texts = {"text": english} if korean is None else {"text": english, "text_ko": korean}
        texts = {column: text.strip(" .!") for column, text in texts.items()}
        picture = _opened(path)
        if texts["text"] and picture is not None:
            yield path.relative_to(STAMPS).as_posix(), picture, texts


def clipart() -> Captioned:
    """Open Clip Art's drawings with their titles, but for those whose title is no words."""
    for path in sorted(CLIPART.rglob("*.svg")):
        source = path.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"<dc:title>\s*([^<]{3,80}?)\s*</dc:title>", source)
        title = html.unescape(found[1]).replace("_", " ") if found else ""
        picture = _opened(path) if re.search(r"[A-Za-z]{3}", title) else None
        if picture is not None:
            yield path.relative_to(CLIPART).as_posix(), picture, {"text": title}


def fashion() -> Captioned:
    """Fashion-MNIST with the names of its ten classes: the first PER_CLASS pictures of each."""
    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
        pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    for label, name in enumerate(CLOTHES):
        for i in np.nonzero(labels == label)[0][:PER_CLASS]:
            yield f"{i:05d}", Image.fromarray(pictures[i]), {"text": name}


def _opened(path: Path) -> Image.Image | None:
    if path.suffix != ".svg":
        return Image.open(path).convert("RGBA")
    import resvg_py  # of requirements-dev.txt

    try:
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_path=str(path), width=SIDE)))).convert("RGBA")
    except ValueError as error:  # no valid SVG
        print(f"{path} is left out: {error}")
        return None


def write(pictures: Captioned, out: Path, by_caption: bool) -> None:
    """Squares on white, as captions do not speak of a background; `by_caption` holds captions out, else pictures.

    Of two files that are called alike but for their endings the first is taken.
    """
    rows: dict[str, list[dict[str, str]]] = {"train": [], "test": []}
    names: set[str] = set()
    for name, picture, texts in pictures:
        key = texts["text"] if by_caption else name
        part = "test" if hashlib.sha256(key.encode()).digest()[0] % 10 == 0 else "train"
        file = re.sub(r"[^\w-]+", "-", name.rsplit(".", 1)[0]) + ".png"
        (out / part).mkdir(parents=True, exist_ok=True)
        if file in names:
            continue
        names.add(file)
        _square(picture).save(out / part / file)
        rows[part].append({"file_name": file, **texts})
    for part, entries in rows.items():
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
        (out / part / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{out / part}: {len(entries)} pictures, {len({entry['text'] for entry in entries})} captions")


def _square(picture: Image.Image) -> Image.Image:
    side = max(picture.size)
    square = Image.new("RGB", (side, side), "white" if picture.mode == "RGBA" else "black")
    place = ((side - picture.width) // 2, (side - picture.height) // 2)
    square.paste(picture, place, picture if picture.mode == "RGBA" else None)
    return square if side <= SIDE else square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def measure(checkpoint: Path, folder: Path, sheet: Path, shown: int = 24) -> dict[str, float]:
    """Recall at 10 and KID of a folder's pictures, and a sheet: real above, drawn for the same caption below.

    The pictures of the sheet are the first of the folder, with seeds 0, 1, ...: unpicked.
    """
    import torch

    from gan_dpr import GanDprPipeline
    from gan_dpr.evaluation.features import kernel_distance, load_features
    from gan_dpr.evaluation.retrieval import first_right_rank
    from gan_dpr.images import grid
    from gan_dpr.worlds.pictures.dataset import load_pictures

    pipe = GanDprPipeline.from_pretrained(checkpoint, "cpu")
    data = load_pictures(folder, pipe.image_size)
    captions = list(dict.fromkeys(data.captions))
    scores = pipe.encode_text(captions) @ pipe.encode_image(data.images).T
    right = np.array([[caption == other for other in data.captions] for caption in captions])
    ranks = first_right_rank(scores, right)
    drawn = pipe(data.captions, generator=torch.Generator().manual_seed(0), output_type="np").images
    drawn = (255 * drawn).round().astype(np.uint8)
    figures = {"pictures": len(data), "captions": len(captions)}
    figures |= {f"recall_at_{k}": round(float((ranks <= k).mean()), 3) for k in (1, 5, 10)}
    figures["recall_at_10_by_chance"] = round(10 / len(data), 3)
    network = load_features()
    if network is not None:
        figures |= kernel_distance(network.of(data.images), network.of(drawn))
    rows = [part[i : i + 8] for i in range(0, shown, 8) for part in (data.images, drawn)]
    sheet.parent.mkdir(parents=True, exist_ok=True)
    grid(np.concatenate(rows), columns=8, scale=2).save(sheet)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("stamps", "clipart", "fashion"):
        commands.add_parser(name).add_argument("out", type=Path)
    measured = commands.add_parser("measure", help="recall at 10, KID and a sheet of pictures")
    measured.add_argument("checkpoint", type=Path)
    measured.add_argument("folder", type=Path)
    measured.add_argument("sheet", type=Path)
    args = parser.parse_args()
    if args.command == "measure":
        print(json.dumps(measure(args.checkpoint, args.folder, args.sheet)))
    else:
        write({"stamps": stamps, "clipart": clipart, "fashion": fashion}[args.command](), args.out,
              by_caption=args.command != "fashion")  # fmt: skip


if __name__ == "__main__":
    main()
