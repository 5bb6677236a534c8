"""Builds the parquet of drawings from named, versioned npm packages.

    python -m gan_dpr.worlds.emoji.build_drawings --packages DIR --out FILE.parquet [--concepts core|all] [--size 64]

Packages that DIR lacks are fetched with `npm pack`, and every one is checked against its sha256 below, so the same
drawings come out wherever this runs. The file's own bytes also depend on the releases of Pillow and pyarrow; the
second hash that is printed is of names and pixels only and does not. Needs resvg-py 0.5.0, which nothing else here
does. Exit status: 0 written, 2 bad input (one sentence on stderr, nothing written).
"""

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ...files import replacing
from .concepts import CONCEPTS

RESVG_VERSION = "0.5.0"  # another release may round other pixels
SIZES = (64, 128, 256)
VECTOR_STYLES = ("noto", "twemoji", "fluent-flat", "emojione")
STYLES = {  # style -> (npm package, SPDX licence of the drawings), in the order of the rows
    "noto": ("@iconify-json/noto@1.2.9", "Apache-2.0"),
    "twemoji": ("@iconify-json/twemoji@1.2.5", "CC-BY-4.0"),
    "fluent-flat": ("@iconify-json/fluent-emoji-flat@1.2.6", "MIT"),
    "fluent-3d": ("@lobehub/fluent-emoji-3d@1.1.0", "MIT"),
    "emojione": ("@iconify-json/emojione@1.2.3", "CC-BY-4.0"),
}
EMOJI = "emojibase-data@17.0.0"  # which emoji there are, and Unicode's groups
ANNOTATIONS = {  # names and keywords; package -> folder and key of its JSON
    "cldr-annotations-full@48.2.0": "annotations",
    "cldr-annotations-derived-full@48.2.0": "annotationsDerived",
}
SHA256 = {  # of the tarballs
    "@iconify-json/noto@1.2.9": "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    "@iconify-json/twemoji@1.2.5": "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
    "@iconify-json/fluent-emoji-flat@1.2.6": "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    "@lobehub/fluent-emoji-3d@1.1.0": "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    "@iconify-json/emojione@1.2.3": "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
    "emojibase-data@17.0.0": "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    "cldr-annotations-full@48.2.0": "28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1",
    "cldr-annotations-derived-full@48.2.0": "4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e",
}
PIXELS = {  # (concepts, size) -> sha256 of names and pixels, as built on x86-64
    ("core", 64): "67e88aaba81d681632a33c21315e5944dde7c8849ff09c5a4e02c8677faf7dcd",
    ("all", 64): "5cf6047c4349415392d5b18c6efd0976a4bad76741aec18c274d6ace73ddcfe4",
    ("all", 128): "a6fe414c143183611f4650dfb760005de3ad946df3885d3a3be88f4b04bc910d",
    ("all", 256): "94e7bc6dfe0b05dd0a9fd549113e437568ee03c69b2184d456049cd8c3ac6ab2",
}
# People and symbols stay out: most of them are hands, skin tones, signs and letters.
GROUPS = ("activities", "animals-nature", "food-drink", "objects", "smileys-emotion", "travel-places")
# EmojiOne has names only, some of them older than CLDR's; what the names alone get wrong:
EMOJIONE_NAMES = {
    "1F917": "hugging-face",  # smiling face with open hands
    "1F635": "dizzy-face",  # face with crossed-out eyes
    "1F997": None,  # its "cricket" is the game
    "1F52B": None,  # its "pistol" is a firearm, not a water pistol
}
SCHEMA = pa.schema(
    {
        "concept": pa.string(),
        "name_ko": pa.string(),
        "keywords_en": pa.list_(pa.string()),
        "keywords_ko": pa.list_(pa.string()),
        "emoji": pa.string(),
        "codepoint": pa.string(),
        "style": pa.string(),
        "group": pa.string(),
        "subgroup": pa.string(),
        "licence": pa.string(),
        "source": pa.string(),
        "core": pa.bool_(),
        "picture": pa.binary(),
    }
)


class DrawingsError(ValueError):
    """Why the drawings cannot be built, in one sentence."""


def tarball(directory: Path, package: str) -> Path:
    """The package's tarball in `directory`, fetched if it is not there; DrawingsError if it is not the right one."""
    name = package.removeprefix("@").replace("/", "-").replace("@", "-") + ".tgz"
    path = directory / name
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as folder:  # a fetch cut off leaves no half file
            _npm_pack(package, folder)
            fetched = Path(folder) / name
            if not fetched.exists():
                raise DrawingsError(f"npm pack {package} did not write {name}")
            _check_hash(fetched, package)
            fetched.replace(path)
    _check_hash(path, package)
    return path


def _npm_pack(package: str, folder: str) -> None:
    command = ["npm", "pack", package, "--silent", "--pack-destination", folder]
    try:
        run = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise DrawingsError(f"npm, which fetches {package}, is not installed") from None
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise DrawingsError(f"npm pack {package} failed: {reason}")


def _check_hash(path: Path, package: str) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256[package]:
        raise DrawingsError(f"{path.name} is not the {package} that was named: its sha256 is {digest}")


def _members(path: Path, *names: str) -> dict[str, bytes]:
    """The files of a tarball whose path below package/ starts with one of `names`, by that path."""
    files = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                inner = member.name.partition("/")[2]
                if member.isfile() and inner.startswith(names):
                    files[inner] = archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DrawingsError(f"{path.name} cannot be read: {error}") from None
    return files


def _json(path: Path, *names: str) -> list[dict]:
    files = _members(path, *names)
    for name in names:
        if name not in files:
            raise DrawingsError(f"{path.name} has no {name}")
    return [json.loads(files[name]) for name in names]


def plain(codepoint: str) -> str:
    """A code point sequence as the packages' common key: upper case, without the variation selector FE0F."""
    return "-".join(part for part in codepoint.upper().split("-") if part != "FE0F")


class Vectors:
    """The SVG drawings of an Iconify package."""

    def __init__(self, path: Path):
        self.icons, names = _json(path, "icons.json", "chars.json")
        self.by_codepoint = {plain(codepoint): name for codepoint, name in names.items()}
        self.aliases: dict[str, str] = {
            name: alias["parent"]
            for name, alias in self.icons.get("aliases", {}).items()
            if set(alias) == {"parent"}  # the others are turned or flipped: hands only, which are not drawn here
        }

    def names(self, codepoint: str) -> list[str]:
        """The name of a code point's drawing and its other names; empty if there is none."""
        name = self.by_codepoint.get(codepoint)
        return [] if name is None else [name, *(alias for alias, parent in self.aliases.items() if parent == name)]

    def svg(self, name: str) -> str | None:
        """The drawing as a square SVG document; one that is not square is centred."""
        while name in self.aliases:
            name = self.aliases[name]
        icon = self.icons["icons"].get(name)
        if icon is None:
            return None
        left, top, width, height = (
            icon.get(key, self.icons.get(key, default))
            for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
        )
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="128" '
            f'height="128" viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>'
        )


@cache
def _resvg():
    try:
        import resvg_py
    except ImportError:
        raise DrawingsError(f"resvg-py is not installed: pip install resvg-py=={RESVG_VERSION}") from None
    version = metadata.version("resvg-py")
    if version != RESVG_VERSION:
        raise DrawingsError(f"resvg-py is {version}: the drawings need pip install resvg-py=={RESVG_VERSION}")
    return resvg_py


def rasterise(svg: str, size: int) -> np.ndarray:
    """The drawing as (size, size, 4) uint8 RGBA, straight alpha.

    64 pixels are made from 128, as the first drawings were; 128 and 256 are what the rasteriser gives.
    """
    side = max(size, 128)
    png = _resvg().svg_to_bytes(svg_string=svg, width=side, height=side, dpi=96)
    return shrink(np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA")), side // size)


def reduce_picture(webp: bytes, size: int) -> np.ndarray:
    """A drawing that is a picture of 256 pixels as (size, size, 4) uint8 RGBA, straight alpha."""
    picture = Image.open(io.BytesIO(webp)).convert("RGBA")
    if picture.size != (256, 256):  # one is: the ringed planet, 256 x 264
        picture = picture.resize((256, 256), Image.Resampling.LANCZOS)
    return shrink(np.asarray(picture), 256 // size)


def shrink(rgba: np.ndarray, factor: int) -> np.ndarray:
    """(n, n, 4) uint8 RGBA to (n / factor, n / factor, 4) by a box filter on premultiplied colours.

    The order of the operations and their float32 decide how halves round: as here, the drawings shipped first come
    out again to the last bit.
    """
    if factor == 1:
        return rgba
    full = np.float32(255)
    pixels = rgba.astype(np.float32)
    side = len(rgba) // factor
    blocks = (side, factor, side, factor, -1)
    colour = (pixels[..., :3] * (pixels[..., 3:] / full)).reshape(blocks).mean((1, 3))
    alpha = pixels[..., 3:].reshape(blocks).mean((1, 3))
    share = alpha / full
    nearly_nothing = np.float32(1e-3)
    straight = np.where(share > nearly_nothing, colour / np.maximum(share, nearly_nothing), 0)
    return np.round(np.concatenate([straight, alpha], axis=-1)).clip(0, 255).astype(np.uint8)


def emojione_name(drawings: Vectors, twemoji: Vectors, codepoint: str, concept: str) -> str | None:
    """EmojiOne's name of a drawing: CLDR's short name or one that Twemoji knows; None if it has none."""
    if codepoint in EMOJIONE_NAMES:
        return EMOJIONE_NAMES[codepoint]
    slug = re.sub("[^a-z0-9]+", "-", concept.lower().replace("’", "")).strip("-")
    known = [slug, *twemoji.names(codepoint)]
    return next((name for name in known if name in drawings.icons["icons"] or name in drawings.aliases), None)


def read_concepts(directory: Path) -> list[dict]:
    """The concepts of GROUPS that concepts.tsv has, sorted: the columns of SCHEMA that do not depend on the style."""
    emoji, meta = _json(tarball(directory, EMOJI), "en/data.json", "meta/groups.json")
    annotations: dict[str, dict] = {"en": {}, "ko": {}}
    for package, key in ANNOTATIONS.items():
        files = [f"{key}/{language}/annotations.json" for language in annotations]
        for words, content in zip(annotations.values(), _json(tarball(directory, package), *files), strict=True):
            words.update(content[key]["annotations"])
    rows = []
    for entry in emoji:
        group = meta["groups"].get(str(entry.get("group")))
        if group not in GROUPS:
            continue
        english, korean = (words.get(entry["emoji"].replace("\ufe0f", "")) for words in annotations.values())
        if english is None or korean is None:
            raise DrawingsError(f"the CLDR packages have no name for {entry['hexcode']}")
        concept = english["tts"][0]
        if concept not in CONCEPTS:  # clock faces that differ by a hand, "green heart", which is a tinted one ...
            continue
        rows.append(
            {
                "concept": concept,
                "name_ko": korean["tts"][0],
                "keywords_en": english.get("default", []),
                "keywords_ko": korean.get("default", []),
                "emoji": entry["emoji"],
                "codepoint": entry["hexcode"],
                "group": group,
                "subgroup": meta["subgroups"][str(entry["subgroup"])],
                "core": CONCEPTS[concept].core is not None,
            }
        )
    return sorted(rows, key=lambda row: row["concept"])


def draw(directory: Path, concepts: str, size: int) -> list[dict]:
    """All rows of SCHEMA, by style in the order of STYLES and then by concept, one for every drawing there is.

    Iconify keeps earlier drawings of some emoji under former names; of those only the present one is taken.

    Args:
        directory: where the packages are or will be.
        concepts: "core" for the first 128 concepts of concepts.tsv, "all" for all of them.
        size: side in pixels, one of SIZES.
    """
    wanted = [row for row in read_concepts(directory) if row["core"] or concepts == "all"]
    paths = {style: tarball(directory, package) for style, (package, _) in STYLES.items()}  # all before the work
    vectors = {style: Vectors(paths[style]) for style in VECTOR_STYLES}
    # several files differ in FE0F only: the last one wins, and sorting puts the fully qualified one last
    pictures = {plain(Path(name).stem): data for name, data in sorted(_members(paths["fluent-3d"], "assets/").items())}
    rows = []
    for style, (package, licence) in STYLES.items():
        for row in wanted:
            key = plain(row["codepoint"])
            if style == "fluent-3d":
                drawing = reduce_picture(pictures[key], size) if key in pictures else None
            else:
                if style == "emojione":
                    name = emojione_name(vectors[style], vectors["twemoji"], key, row["concept"])
                else:
                    name = vectors[style].by_codepoint.get(key)
                svg = vectors[style].svg(name) if name else None
                drawing = rasterise(svg, size) if svg else None
            if drawing is not None:
                rows.append(dict(row, style=style, licence=licence, source=package, picture=drawing))
    return rows


def write(rows: list[dict], path: Path) -> str:
    """Writes rows whose `picture` is still pixels, as lossless WebP (five eighths of PNG), whole or not at all.

    Returns the sha256 of names and pixels.
    """
    digest = hashlib.sha256()
    encoded = []
    for row in rows:
        digest.update(f"{row['concept']}|{row['style']}|{row['picture'].shape[0]}|".encode())
        digest.update(row["picture"].tobytes())
        buffer = io.BytesIO()
        image = Image.fromarray(row["picture"], "RGBA")
        image.save(buffer, "WEBP", lossless=True, exact=True, method=6)
        encoded.append(dict(row, picture=buffer.getvalue()))
    table = pa.Table.from_pylist(encoded, SCHEMA)
    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=len(encoded) or None)
    return digest.hexdigest()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise DrawingsError(message)


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = _Parser(prog="build_drawings", description="Builds the parquet of drawings from npm packages.")
    parser.add_argument("--packages", type=Path, required=True, metavar="DIR", help="folder of the npm tarballs")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.parquet", help="file to write")
    parser.add_argument("--concepts", choices=("core", "all"), default="all", help="128 or all (default: all)")
    parser.add_argument("--size", type=int, choices=SIZES, default=64, help="side in pixels (default: 64)")
    try:
        args = parser.parse_args(argv)
        _resvg()
        if args.out.is_dir():
            raise DrawingsError(f"{args.out} is a folder: give the name of a file")
        rows = draw(args.packages, args.concepts, args.size)
        pixels = write(rows, args.out)
    except (DrawingsError, OSError) as error:
        print(f"build_drawings: {error}", file=sys.stderr)
        return 2
    content = args.out.read_bytes()
    things = len({row["concept"] for row in rows})
    print(f"{args.out}: {len(rows)} drawings of {things} concepts at {args.size} px, {len(content)} bytes")
    print(f"sha256 of the file: {hashlib.sha256(content).hexdigest()}")
    recorded = PIXELS.get((args.concepts, args.size))
    verdict = {None: "none is recorded", pixels: "as recorded"}.get(recorded, f"not the recorded {recorded}")
    print(f"sha256 of names and pixels: {pixels} ({verdict})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
