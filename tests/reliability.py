"""How much harm is survived: `python tests/reliability.py [--tries 25] [--only kills,flips] [--json FILE]`.

Harm is done to tiny models and pictures in a temporary folder, each try in a process of its own. A try is **survived**
if the command does its work or says in one line what is wrong (exit status 2), and leaves no half-written output.
Damage that nothing tells and that changes the result is counted apart, as **unnoticed**. docs/reliability.md has
results.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}  # before torch: a process that forks has one thread
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

TIMEOUT = 600  # seconds of one command
STEPS = 12  # of a training that is killed
ODD_NAMES = (
    "a b", " a ", "-a", "--help", "a'b", 'a"b', "a`b`", "$HOME", "a;b", "a&b", "a|b", "a\nb", "a\tb", "a\\b", "a%sb",
    "{a}", "[a]", "a*b", "a?b", "~", "...", ".a.", "CON", "é", "e\u0301", "코끼리", "عربي", "🐘", "a\u200bb",
    "a\u202eb", "a\u2028b", "a\udc80b", "x" * 240, "a,b", "a=b", "a#b", "a@b", "a:b", "1_2", "train", "metadata",
)  # fmt: skip
ODD_PROMPTS = (
    "a", "?", "a" * 5000, "cat " * 500, "🐘", "코끼리", "A CAT", "a\ncat", "a\tcat", "\u202ecat", "cat\u0000",
    "<b>cat</b>", "{cat}", "%s", "cat; rm -rf /", "'; --", "\\", "a red red red red cat", "ＣＡＴ",
    "\u0301", "\ufeffcat",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a command did: its status (None where it was killed or hung) and what it wrote to the console."""

    status: int | None
    said: str

    @property
    def survived(self) -> bool:
        if self.status == 0:
            return "Traceback" not in self.said
        lines = [line for line in self.said.strip().splitlines() if "error:" in line]
        return self.status == 2 and "Traceback" not in self.said and len(lines) == 1


def command(*arguments: str, kill_after: float | None = None) -> Outcome:
    """Run a command in a child process, which is killed after some seconds where that is asked."""
    from gan_dpr import cli

    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as console:
        pid = os.fork()
        if pid == 0:
            os.dup2(console.fileno(), 1)
            os.dup2(console.fileno(), 2)
            sys.stdout, sys.stderr = (open(i, "w", closefd=False, errors="replace") for i in (1, 2))  # noqa: SIM115
            status = 1
            try:
                status = cli.main(list(arguments))
            except SystemExit as error:
                status = error.code
            except BaseException:
                import traceback

                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status if isinstance(status, int) else 1)
        deadline, status = time.monotonic() + (TIMEOUT if kill_after is None else kill_after), None
        while status is None and time.monotonic() < deadline:
            done, code = os.waitpid(pid, os.WNOHANG)
            status = os.waitstatus_to_exitcode(code) if done else None
            time.sleep(0.01)
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        console.seek(0)
        return Outcome(status, console.read())


class Harm:
    """The kinds of harm; each method makes `tries` tries and counts what came of them."""

    def __init__(self, folder: Path, tries: int, seed: int):
        self.folder, self.tries, self.rng = folder, tries, random.Random(seed)
        self.model, self.pictures = folder / "model", folder / "pictures"

    def prepare(self) -> None:
        """A tiny model, made in a process of its own, and a few pictures."""
        made = "from pathlib import Path; import sys; from reliability import make; make(Path(sys.argv[1]))"
        paths = os.pathsep.join(sys.path[:2])
        subprocess.run(
            [sys.executable, "-c", made, str(self.folder)], check=True, env=os.environ | {"PYTHONPATH": paths}
        )

    def kills(self) -> Counter:
        """SIGKILL at random moments of a training, which then goes on to the same end as one that nobody killed."""
        start = time.monotonic()
        self._train(self.folder / "whole")
        seconds, want = time.monotonic() - start, self._state(self.folder / "whole")
        counts: Counter = Counter()
        for i in range(self.tries):
            out = self.folder / f"killed{i}"
            self._train(out, kill_after=self.rng.uniform(0, seconds))
            resume = (
                ["--resume"] if (out / "run.json").is_file() and (out / "state/state.safetensors").is_file() else []
            )
            if not resume and out.exists():
                resume = ["--overwrite"]
            end = self._train(out, *resume)
            equal = end.status == 0 and self._state(out) == want
            left = [path for path in out.rglob(".*") if ".part-" in path.name or path.name.startswith(".tmp")]
            counts["survived" if equal and not left else "lost"] += 1
            shutil.rmtree(out, ignore_errors=True)
        return counts

    def _train(self, out: Path, *more: str, kill_after: float | None = None) -> Outcome:
        new = ["--preset", "nano", *self._settings()] if "--resume" not in more else []
        return command("train", *new, *more, "--max-steps", str(STEPS), "--device", "cpu", "--out", str(out),
                       kill_after=kill_after)  # fmt: skip

    def _settings(self) -> list[str]:
        from tiny import TINY

        tower = ["--text-encoder", str(self.model / "text_encoder")]
        return tower + [part for setting in TINY for part in ("--set", setting)]

    @staticmethod
    def _state(run: Path) -> dict[str, bytes]:
        """The bits of all weights and moments; beside them a state says how long its last steps took."""
        from safetensors.numpy import load_file

        return {name: value.tobytes() for name, value in load_file(run / "state/state.safetensors").items()}

    def flips(self) -> Counter:
        """One flipped bit in a random file of a model, which then draws."""
        return self._damaged(self._flip)

    def cuts(self) -> Counter:
        """A random file of a model, cut off at a random place."""
        return self._damaged(lambda path: os.truncate(path, self.rng.randrange(path.stat().st_size)))

    def _flip(self, path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
        path.write_bytes(content)

    def _damaged(self, damage: Callable[[Path], None]) -> Counter:
        counts: Counter = Counter()
        want = self._drawn(self.model)[1]
        for i in range(self.tries):
            copy = self.folder / "damaged"
            shutil.copytree(self.model, copy)
            files = sorted(path for path in copy.rglob("*") if path.is_file() and path.suffix != ".md")
            damage(files[i % len(files)])
            outcome, drawn = self._drawn(copy)
            unnoticed = outcome.status == 0 and drawn != want
            counts["crashed" if not outcome.survived else "unnoticed" if unnoticed else "survived"] += 1
            shutil.rmtree(copy)
        return counts

    def _drawn(self, model: Path) -> tuple[Outcome, bytes]:
        out = self.folder / "drawn"
        outcome = command("generate", "a cat", "--checkpoint", str(model), "--device", "cpu", "--out", str(out))
        picture = out / "00000_0.png"
        from PIL import Image

        pixels = Image.open(picture).tobytes() if picture.is_file() else b""
        shutil.rmtree(out, ignore_errors=True)
        return outcome, pixels

    def disks(self) -> Counter:
        """Commands that write to a disk that is too small: a tmpfs of some kilobytes, which only root can mount."""
        counts: Counter = Counter()
        place = self.folder / "disk"
        place.mkdir()
        for i in range(self.tries):
            size = self.rng.randrange(4, 400)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)]
            if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
                return Counter({"left out: no right to mount": 1})
            try:
                outcome = self._writing(i % 4, place / "out")
                left = [path for path in place.rglob("*") if path.is_file()]
                good = outcome.survived and not (outcome.status == 2 and i % 4 != 3 and left)  # 3: a run keeps a state
                counts["survived" if good else "crashed"] += 1
            finally:
                subprocess.run(["umount", str(place)], check=True)
        return counts

    def _writing(self, which: int, out: Path) -> Outcome:
        model = ["--checkpoint", str(self.model), "--device", "cpu"]
        if which == 0:
            return command("generate", "a cat", "--n", "64", *model, "--out", str(out))
        if which == 1:
            return command("index", str(self.pictures), *model, "--out", str(out))
        if which == 2:
            return command("interpolate", "a cat", "a dog", *model, "--out", f"{out}.mp4")
        return self._train(out)

    def broken_pictures(self) -> Counter:
        """Folders of twenty damaged pictures and a whole one, which are indexed: the whole one is always found."""
        counts: Counter = Counter()
        sources = sorted(self.pictures.iterdir())
        for i in range(self.tries):
            folder, out = self.folder / "broken", self.folder / "gallery"
            folder.mkdir()
            shutil.copy(sources[0], folder / f"whole{sources[0].suffix}")
            for j in range(20):
                path = folder / f"{j}{sources[(i + j) % len(sources)].suffix}"
                shutil.copy(sources[(i + j) % len(sources)], path)
                if j % 2:
                    os.truncate(path, self.rng.randrange(path.stat().st_size))
                else:
                    for _ in range(self.rng.randrange(1, 9)):
                        self._flip(path)
            outcome = command(
                "index", str(folder), "--checkpoint", str(self.model), "--device", "cpu", "--out", str(out)
            )
            good = outcome.status == 0 and outcome.survived and "whole" in (out / "metadata.jsonl").read_text()
            counts["survived" if good else "crashed"] += 1
            for place in (folder, out):
                shutil.rmtree(place, ignore_errors=True)
        return counts

    def odd_names(self) -> Counter:
        """Names of pictures and of output folders that people or other systems give."""
        counts: Counter = Counter()
        for name in ODD_NAMES:
            folder = self.folder / "odd"
            (folder / "in").mkdir(parents=True)
            shutil.copy(next(self.pictures.glob("*.png")), folder / "in" / f"{name}.png")
            out = folder / name
            outcome = command("index", str(folder / "in"), "--checkpoint", str(self.model), "--device", "cpu",
                              "--out", str(out))  # fmt: skip
            counts["survived" if outcome.survived else "crashed"] += 1
            shutil.rmtree(folder)
        return counts

    def odd_prompts(self) -> Counter:
        """Prompts that nobody should type."""
        counts: Counter = Counter()
        for text in ODD_PROMPTS:
            out = self.folder / "drawn"
            outcome = command("generate", text, "--checkpoint", str(self.model), "--device", "cpu", "--out", str(out))
            counts["survived" if outcome.survived else "crashed"] += 1
            shutil.rmtree(out, ignore_errors=True)
        return counts


KINDS = ("kills", "flips", "cuts", "disks", "broken_pictures", "odd_names", "odd_prompts")


def make(folder: Path) -> None:
    """A model of random weights and pictures in five formats."""
    import numpy as np
    import torch
    from conftest import tiny_text_tower
    from PIL import Image
    from tiny import tiny_preset

    from gan_dpr import checkpoint
    from gan_dpr.networks.generator import Generator
    from gan_dpr.networks.retriever import Retriever

    torch.manual_seed(0)
    made = tiny_preset("nano")
    tower = tiny_text_tower(folder / "vocabulary")
    world = {"world": {"kind": "emoji"}}
    checkpoint.save(folder / "model", Generator(made.generator), Retriever(made.retriever), tower, world)
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for suffix in ("png", "jpg", "webp", "gif", "tiff"):
        picture = Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8))
        picture.save(folder / "pictures" / f"a {suffix}.{suffix}")


def tried(kinds: list[str], tries: int, seed: int = 0) -> dict[str, Counter]:
    """What came of so many tries of each kind of harm."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        harm = Harm(Path(folder), tries, seed)
        harm.prepare()
        found = {}
        for kind in kinds:
            found[kind] = getattr(harm, kind)()
            print(f"{kind}: {', '.join(f'{count} {what}' for what, count in found[kind].most_common())}", flush=True)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=25, help="of each kind (%(default)s)")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, joined by commas (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the counts there")
    args = parser.parse_args()
    found = tried(args.only.split(","), args.tries, args.seed)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")
    bad = sum(counts["crashed"] + counts["lost"] for counts in found.values())
    sys.exit(f"{bad} tries were not survived" if bad else 0)


if __name__ == "__main__":
    main()
