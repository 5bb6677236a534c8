"""train: a run in a folder, stopped and resumed at will."""

import argparse
import contextlib
import ctypes
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from ..files import RUN, check_apart, check_output, locked, remove_leftovers
from .paths import check_checkpoint, check_folder
from .progress import Progress
from .search import load_dataset, name_long_texts
from .signals import StopSignals

if TYPE_CHECKING:
    from ..networks.encoders import TextTower
    from ..training.run import RunFolder, TrainingRun
    from ..training.trainer import Trainer

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h
EARLIER_POINTS = 25  # of the curve of a run that went before: or a checkpoint of many parts would swell
# What a resumed run takes from run.json unless it is told anew.
REMEMBERED = ("preset", "data", "image_column", "caption_column", "split", "limit", "text_encoder")
MOVABLE = ("data", "text_encoder")  # among them: places, which may be told anew


def train(args: argparse.Namespace) -> int:
    """Train until a limit or a signal; state and checkpoint are saved at the end and every five minutes."""
    from ..training.run import RunFolder

    check_folder(args.out)
    _keep_freed_memory()
    folder = RunFolder(args.out)
    about = _about(args, folder)
    if about["data"] is not None and Path(about["data"]).is_dir():  # beside a table only what it lists is read
        check_apart(args.out, about["data"])
    trainer, prompts = _build(args, folder, about)

    from ..training.run import TrainingRun

    main, made = trainer.accelerator.is_main_process, not args.out.exists()
    with locked(args.out) if main else contextlib.nullcontext():
        if main:
            _make_room(args, folder)
            folder.begin(about)
        trainer.accelerator.wait_for_everyone()
        try:
            run = TrainingRun(folder, trainer, prompts)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder.metrics} is damaged ({error}): move it elsewhere and resume again.") from error
        try:
            return _train(args, run)
        finally:
            run.close()
            if main and not folder.exists:  # not even a first state could be saved
                RUN.remove(args.out)
                if made:
                    args.out.rmdir()


def _keep_freed_memory() -> None:
    """Let glibc keep large blocks that are freed, for the next step.

    It would give them to the system, which hands them out again page by page: with 1,024 pictures a step takes twice as
    long. Other C libraries stay as they are.
    """
    if platform.libc_ver()[0] == "glibc":
        c = ctypes.CDLL(None)
        c.mallopt(M_MMAP_MAX, 0)
        c.mallopt(M_TRIM_THRESHOLD, -1)


def _make_room(args: argparse.Namespace, folder: "RunFolder") -> None:
    """Remove what a killed process left half-written, and the run that shall be replaced."""
    if not args.resume:
        check_output(args.out, RUN, args.overwrite)  # once more, now that the folder is held
        RUN.remove(args.out)
    for place in (args.out, folder.state, folder.checkpoint, folder.checkpoint / "text_encoder", folder.samples):
        remove_leftovers(place)


def _about(args: argparse.Namespace, folder: "RunFolder") -> dict[str, Any]:
    """What to train, from the arguments and, when resuming, from run.json."""
    from ..checkpoint import read_config
    from ..training.run import find_text_encoder, preset_of
    from .parser import DEFAULT_CHECKPOINT

    given = {name: getattr(args, name) for name in REMEMBERED}
    for name in MOVABLE:
        given[name] = _anchored(given[name])
    if args.resume:
        for option, start in _starts(args).items():
            if start is not None:
                raise ValueError(f"--resume goes on with the run's own weights: leave out {option}.")
        if args.overwrite:
            raise ValueError("--resume goes on with a run and --overwrite replaces it: choose one of them.")
        kept = folder.about()
        if "data" not in kept:
            raise ValueError(f"{args.out}/run.json does not say what the run learns from (data): start anew elsewhere.")
        kinds = dict.fromkeys(REMEMBERED, str) | {"limit": int, "pictures": dict}
        wrong = [name for name, kind in kinds.items() if not isinstance(kept.get(name), (kind, type(None)))]
        if wrong:
            raise ValueError(f"{args.out}/run.json is damaged ({', '.join(wrong)}): start anew elsewhere.")
        about = dict.fromkeys(REMEMBERED) | kept  # a run may be older than some of these
        for name, value in given.items():
            may_move = name in MOVABLE and about[name] is not None
            if value is not None and value != about[name] and not may_move:
                option = name.replace("_", "-")
                raise ValueError(f"The run in {args.out} has --{option} {about[name]}: leave it out, or start anew.")
            about[name] = about[name] if value is None else value
        _follow_moves(args, folder, about)
        about["overrides"] += args.overrides
    else:
        if folder.exists and not args.overwrite:
            raise ValueError(
                f"{args.out} holds a run already: add --resume to go on, --overwrite to replace it, or choose another "
                "folder."
            )
        check_output(args.out, RUN, args.overwrite)
        if args.preset is None:
            raise ValueError("Say what to train with --preset NAME.")
        if args.data is None and (args.image_column or args.caption_column or args.split or args.limit):
            raise ValueError(
                "--image-column, --caption-column, --split and --limit are about --data PATH, which is missing."
            )
        if None not in _starts(args).values():
            raise ValueError("--warm-start brings a retriever: leave out --retriever.")
        for option, start in _starts(args).items():
            if start is not None:
                check_checkpoint(start)
                if args.text_encoder is not None:
                    raise ValueError(f"{option} brings its own text encoder: leave out --text-encoder.")
        about = {**given, "overrides": args.overrides, "before": _history(args.warm_start)}
        about["retriever"] = _anchored(args.retriever)
        if args.warm_start is not None:
            config = read_config(args.warm_start)
            about["networks"] = {name: config[name] for name in ("generator", "retriever")}
        if about["text_encoder"] is None:
            start = args.warm_start or args.retriever or DEFAULT_CHECKPOINT
            about["text_encoder"] = _anchored(find_text_encoder(start))
    preset_of(about)
    return about


def _starts(args: argparse.Namespace) -> dict[str, Path | None]:
    """The checkpoints that a new run may begin with, by option."""
    return {"--warm-start": args.warm_start, "--retriever": args.retriever}


def _follow_moves(args: argparse.Namespace, folder: "RunFolder", about: dict[str, Any]) -> None:
    """Find what a run reads and was moved. FileNotFoundError that says which option tells its new place."""
    from ..checkpoint import TEXT_WEIGHTS

    if _is_gone(about["data"]):
        raise FileNotFoundError(
            f"The pictures of the run in {args.out} are not at {about['data']} any more: say where with --data."
        )
    if _is_gone(about["text_encoder"]):
        own = folder.checkpoint / "text_encoder"
        if not (own / TEXT_WEIGHTS).is_file():
            raise FileNotFoundError(
                f"The text encoder of the run in {args.out} is not at {about['text_encoder']} any more: "
                "say where with --text-encoder."
            )
        print(f"{about['text_encoder']} is gone: {own} is read instead.", file=sys.stderr)
        about["text_encoder"] = str(own.resolve())


def _is_gone(place: str | None) -> bool:
    """Whether a path, which is absolute in run.json, leads nowhere; a hub id is none."""
    return place is not None and Path(place).is_absolute() and not Path(place).exists()


def _history(checkpoint: Path | None) -> dict[str, Any] | None:
    """How the checkpoint that a run begins with came about: its training.json, if it has one, with a coarser curve."""
    from ..training.run import TRAINING_FILE

    if checkpoint is None or not (checkpoint / TRAINING_FILE).is_file():
        return None
    try:
        history = json.loads((checkpoint / TRAINING_FILE).read_text(encoding="utf-8"))
        curve = history["curve"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{checkpoint / TRAINING_FILE} is damaged ({error}): remove it.") from error
    return history | {"curve": curve[:: -(-len(curve) // EARLIER_POINTS) or 1]}


def _anchored(place: str | Path | None) -> str | None:
    """A path that is there, made absolute to be resumed from anywhere; a hub id as it is."""
    return str(Path(place).resolve()) if place and Path(place).exists() else place


def _build(
    args: argparse.Namespace, folder: "RunFolder", about: dict[str, Any]
) -> tuple["Trainer", list[str]]:
    """The trainer, resumed or warm-started, and the prompts of its sample grids. Writes nothing."""
    from transformers.utils import logging

    from ..presets import apply_overrides
    from ..training.run import build_trainer, preset_of, sample_prompts
    from ..training.starts import begin_retriever, warm_start
    from ..worlds import open_world
    from ..worlds.pictures.world import PicturesWorld

    logging.disable_progress_bar()
    chosen = preset_of(about)
    if about["data"] is not None:
        told = argparse.Namespace(**about)
        dataset = load_dataset(told, about["data"], chosen.image_size)
        _name_changes(about.get("pictures"), dataset.digests())
        about["pictures"] = dataset.digests()
        world = PicturesWorld(dataset)
    elif chosen.world["kind"] == "pictures":
        raise ValueError(f"The preset {chosen.name} is for your own pictures: say where they are with --data PATH.")
    else:
        world = open_world(chosen.world)
    if args.device == "cuda":
        from ..pipeline import resolve_device

        resolve_device("cuda")
    tower = _read_tower(about["text_encoder"])
    if about["data"] is not None:
        name_long_texts(tower, dataset.captions)
    trainer = build_trainer(chosen, world, tower, args.device, args.precision, folder.texts)
    _check_joined(trainer)
    trainer.text_tower.to(trainer.device)
    if args.resume:
        try:
            trainer.load_state(folder.state)
        except (SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"The state in {folder.state} is damaged: {error}") from error
        # The state brings the settings of the run; what is said on this command line comes after it.
        told = apply_overrides(trainer.preset, args.overrides).training
        for name, value in vars(told).items():
            setattr(trainer.settings, name, value)
    elif args.retriever is not None:
        begin_retriever(trainer, args.retriever)
    elif args.warm_start is not None:
        warm_start(trainer, args.warm_start)
        last = _last_step(args, trainer)
        if last is not None and last <= trainer.global_step:
            raise ValueError(
                f"{args.warm_start} has made {trainer.global_step} steps, which count: give a --max-steps above it, "
                "or longer training.phases."
            )
    return trainer, sample_prompts(world)


def _check_joined(trainer: "Trainer") -> None:
    """ValueError where torchrun started several processes that know nothing of each other: all would write."""
    started, joined = int(os.environ.get("WORLD_SIZE", 1)), trainer.accelerator.num_processes
    if started != joined:
        raise ValueError(
            f"torchrun started {started} processes, and {joined} are joined: on a CPU add --device cpu, and give every "
            "process a GPU else."
        )


def _name_changes(before: dict[str, str] | None, now: dict[str, str]) -> None:
    """Say on stderr in what the pictures differ from those that the run went on with before."""
    from ..worlds.pictures.report import some

    if before is None or before == now:
        return
    parts = {
        "added": now.keys() - before.keys(),
        "removed": before.keys() - now.keys(),
        "changed": {name for name in now.keys() & before.keys() if now[name] != before[name]},
    }
    said = [f"{len(names)} {kind} ({some(sorted(names))})" for kind, names in parts.items() if names]
    print(f"The pictures are not those of before, and the run goes on with them: {'; '.join(said)}.", file=sys.stderr)


def _read_tower(place: str) -> "TextTower":
    from ..networks.encoders import TextTower

    try:
        return TextTower.from_pretrained(place)
    except Exception as error:  # whatever transformers, tokenizers, safetensors or the network have to say
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if Path(place).exists():
            raise ValueError(f"{place} holds no text encoder that can be read ({reason}).") from error
        raise ValueError(
            f"--text-encoder {place}: there is no such folder, and the Hugging Face hub did not give it ({reason})."
        ) from error


def _last_step(args: argparse.Namespace, trainer: "Trainer") -> int | None:
    return args.max_steps or trainer.settings.total_steps or None


def _train(args: argparse.Namespace, run: "TrainingRun") -> int:
    import psutil

    from ..training.estimate import trial_seconds

    trainer = run.trainer
    first, max_steps = trainer.global_step, _last_step(args, trainer)
    main = trainer.accelerator.is_main_process
    if main:
        print(f"{trainer.preset.name} on {trainer.device}, from step {trainer.global_step}; "
              "encoding captions ...", file=sys.stderr)  # fmt: skip
    run.prepare()
    a_step = {}
    if max_steps is not None and trainer.settings.recipe != "original-2023":
        a_step = trial_seconds(trainer, max_steps)
    progress = Progress(trainer, a_step, max_steps, args.max_seconds, shown=main)
    if main and (max_steps is None or first < max_steps):
        print(progress.estimate(psutil.Process().memory_info().rss), file=sys.stderr)
    with StopSignals(patient=True) as signals:
        for stats in run.steps(max_steps, args.max_seconds, stop=lambda: signals.status != 0):
            progress.show(stats)
        progress.close()
    if main and max_steps is not None and first >= max_steps:
        print(f"Step {first} is reached already, and the last step is {max_steps}: give a --max-steps above {first}.")
    elif main:
        if trainer.global_step == trainer.settings.total_steps:
            _store_gallery(args.out / "checkpoint")
        print(f"Step {trainer.global_step}: {args.out / 'checkpoint'}; go on with --resume.")
    return signals.status


def _store_gallery(folder: Path) -> None:
    """Index what the finished model's world has to be searched: thousands of drawings would take an app too long."""
    from ..gallery import places_of, save_vectors
    from ..pipeline import GALLERY, GanDprPipeline

    pipe = GanDprPipeline.from_pretrained(folder, "cpu")
    if pipe.world.gallery():
        pipe.gallery.save(folder / GALLERY)
        vectors = {"names": pipe.name_vectors, "examples": pipe.example_vectors}
        vectors["places"] = places_of(pipe.gallery.vectors)
        if pipe.guide is not None:
            vectors["states"] = pipe.name_states
        save_vectors(folder / GALLERY, vectors, pipe.encoder_id)
