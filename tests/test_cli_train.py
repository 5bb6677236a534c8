"""train and timelapse on the command line: exact resume, signals, divergence, what a run keeps."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tiny import TINY

from gan_dpr import cli
from gan_dpr.cli.progress import Progress
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.training.trainer import Trainer

PHASES = 'training.phases=[["reconstruct",2],["contend",2],["retrieve",0]]'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts in an empty folder, where no default checkpoint lies."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tiny_run(tiny_checkpoint: Path) -> list[str]:
    """Arguments of a training run that takes a fraction of a second a step."""
    settings = [*TINY, "generator.hidden_dim=8", "retriever.embed_dim=8", "pool_size=8", PHASES]
    told = [word for setting in settings for word in ("--set", setting)]
    encoder = str(tiny_checkpoint / "text_encoder")
    return [*told, "--preset", "nano", "--device", "cpu", "--text-encoder", encoder]


def lines_of(path: str | Path) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def without_times(path: str) -> list[dict]:
    return [entry | {"seconds": 0} for entry in lines_of(path)]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["no", "bf16"])  # in which captions are encoded, too
def test_a_resumed_run_equals_an_uninterrupted_one(run, tiny_run: list[str], precision: str) -> None:
    tiny_run += ["--precision", precision]
    status, out, _ = run("train", *tiny_run, "--max-steps", "6", "--out", "whole")
    assert (status, out) == (0, "Step 6: whole/checkpoint; go on with --resume.\n")
    assert run("train", *tiny_run, "--max-steps", "3", "--out", "parts")[0] == 0
    # As after a kill: steps that were logged but never saved, the last line torn.
    with Path("parts/metrics.jsonl").open("a") as log:
        log.write(
            json.dumps(lines_of("parts/metrics.jsonl")[-1] | {"step": 4, "loss_d": 99.0})
            + '\n{"step": 5, "lo'
        )
    resumed = ["--resume", "--device", "cpu", "--precision", precision]
    assert run("train", *resumed, "--max-steps", "6", "--out", "parts")[0] == 0
    assert [entry["step"] for entry in lines_of("parts/metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
    assert without_times("parts/metrics.jsonl") == without_times("whole/metrics.jsonl")
    parts, whole = (load_file(f"{name}/state/state.safetensors") for name in ("parts", "whole"))
    assert parts.keys() == whole.keys()
    assert all(torch.equal(parts[name], whole[name]) for name in whole)
    for name in (
        "checkpoint/generator.safetensors",
        "checkpoint/retriever.safetensors",
        "samples/step_0000006.png",
    ):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes()
    assert sorted(path.name for path in Path("parts/samples").iterdir()) == [
        "prompts.txt", "step_0000003.png", "step_0000006.png",
    ]  # fmt: skip
    assert list(Path("parts/tensorboard").iterdir())
    summary = json.loads(Path("parts/checkpoint/training.json").read_text())
    assert (summary["preset"], summary["steps"], summary["images"]) == ("nano", 6, 24)
    assert [point["step"] for point in summary["curve"]] == [1, 2, 3, 4, 5, 6]
    phases = ["reconstruct"] * 2 + ["contend"] * 2 + ["retrieve"] * 2
    assert [point["phase"] for point in summary["curve"]] == phases
    assert [entry["phase"] for entry in lines_of("parts/metrics.jsonl")] == phases
    assert lines_of("parts/metrics.jsonl")[0]["loss_d"] is None  # JSON has no NaN
    out = GanDprPipeline.from_pretrained("parts/checkpoint", device="cpu")("a cat")
    assert out.images[0].size == (32, 32)


@pytest.mark.slow
def test_what_it_will_take_is_said_before_it_begins(run, tiny_run: list[str]) -> None:
    _, _, err = run("train", *tiny_run, "--max-steps", "3", "--out", "r")
    assert re.search(
        r"It will take about 00:\d\d, if this machine stays as busy as it is \(\d\.\d\d s a step of reconstruct, "
        r"\d\.\d\d s a step of contend\), and \d\.\d GB of memory\.", err
    )  # fmt: skip


def test_processes_that_are_not_joined_are_refused(run, tiny_run: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made = Trainer.__init__

    def alone(self, *arguments, **options) -> None:
        made(self, *arguments, **options)
        monkeypatch.setenv("WORLD_SIZE", "2")

    monkeypatch.setattr(Trainer, "__init__", alone)
    status, _, err = run("train", *tiny_run, "--max-steps", "3", "--out", "r")
    assert status == 2
    assert "torchrun started 2 processes, and 1 are joined: on a CPU add --device cpu" in err
    assert not Path("r").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_the_state(
    run, tiny_run, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    def show(self: Progress, stats) -> None:
        if stats.step == 2:
            signal.raise_signal(number)

    monkeypatch.setattr(Progress, "show", show)
    got, out, err = run("train", *tiny_run, "--max-steps", "50", "--out", "r")
    assert (got, out) == (status, "Step 2: r/checkpoint; go on with --resume.\n")
    assert "Traceback" not in err
    assert run("train", "--resume", "--max-steps", "3", "--device", "cpu", "--out", "r")[0] == 0
    assert [entry["step"] for entry in lines_of("r/metrics.jsonl")] == [1, 2, 3]


@pytest.mark.slow
def test_divergence_names_the_step_and_keeps_the_last_good_state(run, tiny_run: list[str]) -> None:
    assert run("train", *tiny_run, "--max-steps", "2", "--out", "r")[0] == 0
    good = Path("r/state/state.safetensors").read_bytes()
    diverging = ["--set", "lr_d=1e30", "--set", 'training.phases=[["contend",0]]', "--max-steps", "9"]
    status, _, err = run("train", "--resume", *diverging, "--device", "cpu", "--out", "r")
    assert status == 1
    assert "is not finite at step" in err
    assert "Traceback" not in err
    assert Path("r/state/state.safetensors").read_bytes() == good


@pytest.mark.slow
def test_a_run_is_not_overwritten_nor_changed_in_resuming(run, tiny_run: list[str]) -> None:
    assert run("train", *tiny_run, "--max-steps", "1", "--out", "r")[0] == 0
    for arguments, message in (
        ([*tiny_run, "--out", "r"], "r holds a run already: add --resume"),
        (["--resume", "--preset", "emoji-64", "--out", "r"], "has --preset nano"),
        (["--resume", "--data", "elsewhere", "--out", "r"], "has --data None"),
        (["--resume", "--warm-start", "r/checkpoint", "--out", "r"], "leave out --warm-start"),
        (["--resume", "--retriever", "r/checkpoint", "--out", "r"], "leave out --retriever"),
        (
            ["--resume", "--set", "generator.hidden_dim=9", "--device", "cpu", "--out", "r"],
            "state of other networks",
        ),
    ):
        status, out, err = run("train", *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert message in err
    Path("r/state/state.safetensors").write_bytes(b"garbage" * 99)
    status, _, err = run("train", "--resume", "--device", "cpu", "--out", "r")
    assert (status, err.count("\n")) == (2, 1)
    assert "The state in r/state is damaged" in err


@pytest.mark.slow
def test_warm_start_and_time_limit(run, tiny_run: list[str]) -> None:
    assert run("train", *tiny_run, "--max-steps", "3", "--out", "a")[0] == 0
    warm = ["--warm-start", "a/checkpoint", "--max-seconds", "0.01"]
    without_encoder = tiny_run[:-2]
    status, out, _ = run("train", *without_encoder, *warm, "--out", "b")
    assert (status, out) == (0, "Step 4: b/checkpoint; go on with --resume.\n")
    assert [entry["step"] for entry in lines_of("b/metrics.jsonl")] == [4]
    before, after = (json.loads(Path(name, "checkpoint/training.json").read_text()) for name in "ab")
    assert (before["before"], after["before"]) == (None, before)
    assert [(s["first_step"], s["steps"], s["images"]) for s in (before, after)] == [(0, 3, 12), (3, 4, 4)]
    assert "1 steps of 4 pictures (4 in all)" in Path("b/checkpoint/README.md").read_text()
    plain = ["--preset", "nano-layer-norm", "--set", "pool_size=8", "--set", PHASES, "--device", "cpu"]
    assert run("train", *plain, *warm, "--out", "d")[0] == 0  # with the checkpoint's networks, not the preset's
    made = json.loads(Path("d/checkpoint/config.json").read_text())["generator"]
    assert (made["norm"], made["hidden_dim"]) == ("none", 8)
    assert run("train", "--resume", "--max-steps", "6", "--device", "cpu", "--out", "d")[0] == 0
    for arguments, message in (
        ([*tiny_run, *warm], "leave out --text-encoder"),
        ([*plain, *warm, "--set", "generator.hidden_dim=9"], "has other networks"),
        ([*without_encoder, *warm, "--max-steps", "3"], "a/checkpoint has made 3 steps, which count"),
        ([*without_encoder, *warm, "--set", 'training.phases=[["contend",3]]'], "or longer training.phases"),
    ):
        status, _, err = run("train", *arguments, "--out", "c")
        assert (status, Path("c").exists(), err.count("\n")) == (2, False, 1)
        assert message in err
    assert run("train", "--resume", "--max-steps", "5", "--device", "cpu", "--out", "b")[0] == 0
    assert json.loads(Path("b/checkpoint/training.json").read_text())["before"] == before
    Path("a/checkpoint/training.json").write_text("{")
    status, _, err = run("train", *without_encoder, *warm, "--out", "c")
    assert (status, Path("c").exists()) == (2, False)
    assert "training.json is damaged" in err


@pytest.mark.slow
def test_a_run_begins_with_the_retriever_of_a_checkpoint(run, tiny_run: list[str]) -> None:
    assert run("train", *tiny_run, "--max-steps", "1", "--out", "a")[0] == 0
    without_encoder, begin = tiny_run[:-2], ["--retriever", "a/checkpoint"]
    reconstruct = ["--set", 'training.phases=[["reconstruct",0]]', "--set", "generator.composition=none"]
    assert run("train", *without_encoder, *begin, *reconstruct, "--max-steps", "2", "--out", "b")[0] == 0
    a, b = (load_file(f"{name}/checkpoint/retriever.safetensors") for name in "ab")
    assert all(torch.equal(b[name], value) for name, value in a.items())
    about = json.loads(Path("b/checkpoint/training.json").read_text())
    assert (about["first_step"], about["retriever"]) == (0, str(Path("a/checkpoint").resolve()))
    for arguments, message in (
        ([*tiny_run, *begin], "--retriever brings its own text encoder: leave out --text-encoder"),
        ([*without_encoder, *begin, "--warm-start", "a/checkpoint"], "leave out --retriever"),
        ([*without_encoder, "--retriever", "none"], "No checkpoint at none"),
        ([*without_encoder, *begin, "--set", "retriever.embed_dim=9"], "a/checkpoint has another retriever"),
    ):
        status, _, err = run("train", *arguments, "--max-steps", "1", "--out", "c")
        assert (status, Path("c").exists(), err.count("\n")) == (2, False, 1)
        assert message in err


@pytest.mark.slow
def test_train_on_own_pictures(run, tiny_run: list[str]) -> None:
    Path("mine").mkdir()
    for i, colour in enumerate(("red", "blue", "green", "pink", "white")):
        Image.new("RGB", (50, 30), colour).save(f"mine/{i}.png")
        Path(f"mine/{i}.txt").write_text(f"a {colour} picture")
    Path("mine/broken.png").write_bytes(b"")
    Path("mine/broken.txt").write_text("a broken picture")
    status, _, err = run("train", *tiny_run, "--data", "mine", "--max-steps", "2", "--out", "r")
    assert status == 0
    assert "skipped broken.png: is empty" in err
    assert Path("r/samples/prompts.txt").read_text().splitlines()[0] == "a red picture"
    assert run("train", "--resume", "--max-steps", "3", "--device", "cpu", "--out", "r")[0] == 0
    assert len(lines_of("r/metrics.jsonl")) == 3
    captions = [f"a {colour} picture" for colour in ("red", "blue", "green", "pink", "white")]
    kept = json.loads(Path("r/checkpoint/config.json").read_text())["world"]
    assert kept == {"kind": "pictures", "captions": captions}
    image = Image.open("mine/2.png")
    assert {c for _, c in GanDprPipeline.from_pretrained("r/checkpoint", "cpu").captions_for(image)} == set(captions)


@pytest.mark.slow
def test_the_world_and_the_phases_are_set_on_the_command_line(run, tiny_run: list[str]) -> None:
    world = ["--set", 'world.only={"concept":["owl","fox"],"style":["noto"]}', "--set", "world.caption_mode=concept"]
    phases = ["--set", 'training.phases=[["reconstruct",3],["contend",3]]']
    assert run("train", *tiny_run, *world, *phases, "--out", "r")[1] == "Step 6: r/checkpoint; go on with --resume.\n"
    assert [entry["phase"] for entry in lines_of("r/metrics.jsonl")] == ["reconstruct"] * 3 + ["contend"] * 3
    assert set(Path("r/samples/prompts.txt").read_text().split("\n")) == {"an owl", "a fox", ""}
    kept = json.loads(Path("r/checkpoint/config.json").read_text())["world"]
    assert (kept["kind"], kept["only"]["concept"], kept["caption_mode"]) == ("emoji", ["owl", "fox"], "concept")
    pipe = GanDprPipeline.from_pretrained("r/checkpoint", "cpu")
    assert pipe.world.concepts == ("owl", "fox")
    # done: nothing is left to do, and longer phases go on
    resumed = ["--resume", "--device", "cpu", "--out", "r"]
    assert run("train", *resumed)[1].startswith("Step 6 is reached already, and the last step is 6: ")
    longer = ["--set", 'training.phases=[["reconstruct",3],["contend",3],["retrieve",2]]']
    assert run("train", *resumed, *longer)[0] == 0
    assert [entry["phase"] for entry in lines_of("r/metrics.jsonl")][5:] == ["contend", "retrieve", "retrieve"]
    assert run("train", *resumed, "--max-steps", "9")[0] == 0


@pytest.mark.slow
def test_an_own_preset_trains_on_own_pictures(run, tiny_run: list[str]) -> None:
    Path("mine").mkdir()
    for colour in ("red", "blue", "green"):
        Image.new("RGB", (40, 40), colour).save(f"mine/{colour}.png")
        Path(f"mine/{colour}.txt").write_text("a plain picture" if colour == "red" else f"a {colour} picture")
    own = ["own-32" if word == "nano" else word for word in tiny_run]
    assert run("train", *own, "--data", "mine", "--max-steps", "6", "--out", "r")[0] == 0
    assert [entry["phase"] for entry in lines_of("r/metrics.jsonl")][::2] == ["reconstruct", "contend", "retrieve"]
    assert run("train", "--resume", "--max-steps", "7", "--device", "cpu", "--out", "r")[0] == 0


def colours(folder: str, *names: str) -> None:
    Path(folder).mkdir(exist_ok=True)
    for name in names:
        Image.new("RGB", (50, 30), name).save(f"{folder}/{name}.png")
        Path(f"{folder}/{name}.txt").write_text(f"a {name} picture")


@pytest.mark.slow
def test_a_run_survives_moving(run, tiny_run: list[str], tiny_checkpoint: Path) -> None:
    colours("mine", "red", "blue", "green", "pink")
    encoder = Path(shutil.copytree(tiny_checkpoint / "text_encoder", "encoder"))
    command = [*tiny_run[:-1], str(encoder), "--data", "mine"]
    assert run("train", *command, "--max-steps", "1", "--out", "r")[0] == 0
    Path("mine").rename("moved")
    encoder.rename("elsewhere")
    status, out, err = run("train", "--resume", "--max-steps", "2", "--device", "cpu", "--out", "r")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "are not at" in err
    assert err.endswith("/mine any more: say where with --data.\n")
    status, out, err = run("train", "--resume", "--data", "moved", "--max-steps", "2", "--device", "cpu", "--out", "r")
    assert (status, "go on with them" in err) == (0, False)  # the same pictures in another place
    assert f"/encoder is gone: {Path('r/checkpoint/text_encoder')} is read instead." in err
    Path("r").rename("s")
    again = ["--text-encoder", "elsewhere", "--max-steps", "3", "--device", "cpu", "--out", "s"]
    assert run("train", "--resume", *again)[0] == 0
    about = json.loads(Path("s/run.json").read_text())
    assert (about["data"], about["text_encoder"]) == (str(Path("moved").resolve()), str(Path("elsewhere").resolve()))
    assert len(lines_of("s/metrics.jsonl")) == 3


@pytest.mark.slow
def test_changed_pictures_are_named_and_the_run_goes_on(run, tiny_run: list[str]) -> None:
    colours("mine", "red", "blue", "green", "pink")
    assert run("train", *tiny_run, "--data", "mine", "--max-steps", "1", "--out", "r")[0] == 0
    Path("mine/red.png").unlink()
    colours("mine", "gold")
    Image.new("RGB", (50, 30), "black").save("mine/blue.png")
    resumed = ["--resume", "--device", "cpu", "--out", "r"]
    status, _, err = run("train", *resumed, "--max-steps", "2")
    assert status == 0
    assert (
        "The pictures are not those of before, and the run goes on with them: 1 added (gold.png (a gold picture)); "
        "1 removed (red.png (a red picture)); 1 changed (blue.png (a blue picture))." in err
    )
    assert "are not those of before" not in run("train", *resumed, "--max-steps", "3")[2]


@pytest.mark.slow
def test_run_json_without_its_data_and_a_finished_run(run, tiny_run: list[str]) -> None:
    assert run("train", *tiny_run, "--max-steps", "2", "--out", "r")[0] == 0
    resumed = ["--resume", "--device", "cpu", "--out", "r"]
    assert run("train", *resumed, "--max-steps", "1")[:2] == (
        0, "Step 2 is reached already, and the last step is 1: give a --max-steps above 2.\n",
    )  # fmt: skip
    whole = json.loads(Path("r/run.json").read_text())
    without = {key: value for key, value in whole.items() if key != "data"}
    wrong = [whole | entry for entry in ({"overrides": 7}, {"preset": None}, {"data": 7}, {"pictures": []})]
    for damaged in (without, {}, [], "x", *wrong):
        Path("r/run.json").write_text(json.dumps(damaged))
        status, out, err = run("train", *resumed, "--max-steps", "3")
        assert (status, out, err.count("\n")) == (2, "", 1), damaged
        assert ("does not say what the run learns from (data)" in err) == (damaged == without)
    Path("r/run.json").write_text(json.dumps(whole))
    for damaged in ("{}\n", "[]\n", '{"step": "x"}\n'):
        Path("r/metrics.jsonl").write_text(damaged)
        status, out, err = run("train", *resumed, "--max-steps", "3")
        assert (status, out, err.count("\n")) == (2, "", 1), damaged
        assert "r/metrics.jsonl is damaged" in err


@pytest.mark.slow
def test_a_run_is_replaced_whole_and_leftovers_go(run, tiny_run: list[str]) -> None:
    assert run("train", *tiny_run, "--max-steps", "3", "--out", "r")[0] == 0
    Path("r/state/.tmpAbCdEf").write_bytes(b"x")
    assert run("train", "--resume", "--max-steps", "4", "--device", "cpu", "--out", "r")[0] == 0
    assert sorted(path.name for path in Path("r/state").iterdir()) == ["state.safetensors"]
    assert run("train", *tiny_run, "--max-steps", "1", "--overwrite", "--out", "r")[0] == 0
    assert [entry["step"] for entry in lines_of("r/metrics.jsonl")] == [1]
    assert sorted(path.name for path in Path("r/samples").iterdir()) == ["prompts.txt", "step_0000001.png"]
    Path("r/checkpoint/notes.txt").write_text("mine")
    status, _, err = run("train", *tiny_run, "--max-steps", "1", "--overwrite", "--out", "r")
    assert (status, Path("r/checkpoint/notes.txt").read_text()) == (2, "mine")
    assert "(checkpoint/notes.txt)" in err


@pytest.mark.slow
def test_generate_names_what_the_model_never_saw(run, tiny_run: list[str], capfd: pytest.CaptureFixture) -> None:
    assert run("train", *tiny_run, "--max-steps", "1", "--out", "r")[0] == 0
    command = ["--checkpoint", "r/checkpoint", "--device", "cpu", "--out", "drawn"]
    assert cli.main(["generate", "a red submarine", *command]) == 0
    assert "This model has never seen 'submarine'; nearest that it knows: " in capfd.readouterr().err
    assert cli.main(["generate", "a red cat", "--overwrite", *command]) == 0
    assert "never seen" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_run_killed_outright_resumes(tiny_run: list[str], run) -> None:
    command = [sys.executable, "-m", "gan_dpr", "train", *tiny_run, "--out", "r"]
    environment = {"PYTHONPATH": str(Path(cli.__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            while not (
                Path("r/metrics.jsonl").is_file() and len(Path("r/metrics.jsonl").read_bytes()) > 2000
            ):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
                    raise AssertionError(process.stderr.read().decode())
        finally:
            process.kill()
    status, _, err = run("train", "--resume", "--max-steps", "2", "--device", "cpu", "--out", "r")
    assert (status, "Traceback" in err) == (0, False)
    assert [entry["step"] for entry in lines_of("r/metrics.jsonl")] == [1, 2]


def test_a_film_of_a_run(run, tiny_run: list[str]) -> None:
    assert run("timelapse", "r", "--out", "r.gif") == (
        2, "", "gan_dpr timelapse: error: r has no sample grids: give the folder of a training run.\n",
    )  # fmt: skip
    assert run("train", *tiny_run, "--max-steps", "1", "--out", "r")[0] == 0
    assert run("train", "--resume", "--max-steps", "2", "--device", "cpu", "--out", "r")[0] == 0
    assert run("timelapse", "r", "--fps", "4", "--out", "r.gif") == (0, "r.gif  2 frames\n", "")
    with Image.open("r.gif") as film, Image.open("r/samples/step_0000001.png") as sheet:
        assert film.size == (sheet.width, sheet.height + 18)
        assert film.n_frames == 2  # equal frames at the end are one long one
