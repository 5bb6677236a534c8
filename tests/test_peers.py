"""docs/peers.py: what its page says of raw results, what it changes in the peers, and what it refuses."""

import json
from pathlib import Path

import pytest

from docs import peers
from docs.peers_page import page, spread, times_table, trained_table
from docs.peers_worker import timed


def trained(model: str, seed: int, steps: int, kid: float) -> dict:
    return {
        "told": {"model": model, "seed": seed, "seconds": 10.0}, "cpu_seconds": 10.0, "steps": steps, "batch": 4,
        "parameters": {"generator": 5_312_672, "discriminator": 15_337_089},
        "figures": {"kid": kid, "precision": 0.5, "recall": 0.25, "coverage": 0.125},
    }  # fmt: skip


def part(parameters: int, cpu: float, wall: float) -> dict:
    return {"parameters": parameters, "cpu_ms": cpu, "wall_ms": wall}


def timed_as(**parts: dict) -> dict:
    return {"1": parts, "2": parts}


RAW = {
    "trained": [
        trained("lightweight-gan", 0, 2, 1.5), trained("lightweight-gan", 1, 3, 1.25),
        trained("stylegan2", 0, 5, 1.0), trained("stylegan2-narrow", 0, 50, 0.5), trained("gan-dpr", 0, 300, 0.025),
        {"told": {"model": "real"}, "figures": {"kid": 0.0005, "precision": 0.9, "recall": 0.9, "coverage": 0.9}},
    ],
    "times": {
        "machine": {"processor": "An abacus", "cores": 2, "torch": "2.13.0", "load_average": 0.1},
        "networks": {
            **{name: timed_as(generator=part(21_254_918, 100.4, 50.0)) for name in peers.PEERS},
            **{name: timed_as(generator=part(1_000_000, 4.0, 3.0)) for name in ("gan-dpr", "emoji-64")},
            "sd-turbo": timed_as(text=part(300_000_000, 100.0, 60.0), unet=part(900_000_000, 9000.0, 5000.0)),
        },
    },
}  # fmt: skip


def test_a_model_has_a_row_of_means_and_ranges():
    assert trained_table(RAW).split("\n")[2:] == [
        "| lightweight-gan | 2 | 5.3 M, 15.3 M | 1.0 (0.8 to 1.2) | 2 x 4 | 1,375.0 (1,250.0 to 1,500.0) | "
        "0.50 (0.50 to 0.50) | 0.25 (0.25 to 0.25) | 0.12 (0.12 to 0.12) |",
        "| stylegan2_pytorch | 1 | 5.3 M, 15.3 M | 2.0 | 5 x 4 | 1,000.0 | 0.50 | 0.25 | 0.12 |",
        "| stylegan2_pytorch, narrow | 1 | 5.3 M, 15.3 M | 20.0 | 50 x 4 | 500.0 | 0.50 | 0.25 | 0.12 |",
        "| GAN-DPR, the study's working recipe | 1 | 5.3 M, 15.3 M | 120.0 | 300 x 4 | 25.0 | 0.50 | 0.25 | 0.12 |",
        "| other real pictures |  |  |  |  | 0.5 | 0.90 | 0.90 | 0.90 |",
    ]
    assert spread([1.0, 2.0, 6.0], 1) == "3.0 (1.0 to 6.0)"


def test_one_thread_is_cpu_time_two_are_by_the_clock_and_what_follows_each_other_is_added_up():
    lines = times_table(RAW).split("\n")
    assert lines[2] == "| lightweight-gan, 32 px | generator | 21.3 M | 100 | 50.0 |"
    assert lines[5] == "| GAN-DPR, the study's, 32 px | generator | 1.0 M | 4.0 | 3.0 |"
    assert lines[-1] == "| SD-Turbo's architecture, 512 px | all three | 1,200.0 M | 9,100 | 5,060 |"


def test_the_page_is_made_of_the_raw_results_alone():
    text = page(RAW)
    assert text.startswith("<!-- Written by python -m docs.peers from study/peers.json")
    assert "**Answer.** In 10 CPU seconds *lightweight-gan*, *stylegan2_pytorch*" in text
    assert trained_table(RAW) in text
    assert times_table(RAW) in text
    assert "An abacus, 2 cores, PyTorch 2.13.0; medians." in text
    assert "{" not in text


def test_the_page_that_is_there_is_what_its_raw_results_say():
    raw = json.loads((peers.DOCS / "study" / "peers.json").read_text(encoding="utf-8"))
    assert (peers.DOCS / "peers.md").read_text(encoding="utf-8") == page(raw)


def test_only_what_binds_a_peer_to_cuda_is_changed_in_it():
    source = (
        "import aim\n"
        "assert torch.cuda.is_available(), 'You need an Nvidia GPU.'\n"
        "x = torch.randn(4).cuda(self.rank) + y.cuda()\n"
        "device = torch.device(f'cuda:{self.rank}')\n"
        "torch.cuda.empty_cache()\n"
    )
    assert peers.adapted(source) == (
        "\n\nx = torch.randn(4) + y\ndevice = torch.device('cpu')\ntorch.cuda.empty_cache()\n"
    )


def test_a_result_of_other_settings_is_not_taken_for_this_one(tmp_path: Path):
    path = tmp_path / "one.json"
    assert not peers.is_there(path, {"seconds": 10.0})
    path.write_text('{"told": {"seconds": 10.0}}')
    assert peers.is_there(path, {"seconds": 10.0})
    with pytest.raises(ValueError, match="was made with other settings: choose another --out, or remove it"):
        peers.is_there(path, {"seconds": 20.0})


def test_a_call_is_timed_by_both_clocks():
    calls = []
    assert set(timed(lambda: calls.append(1), 4)) == {"wall_ms", "cpu_ms"}
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: --out"),
        (["--out", "x", "--seconds", "0"], "argument --seconds: 0 is out of range: give more than 0"),
        (["--out", "x", "--seeds", "none"], "argument --seeds: 'none' is not a whole number"),
        (["--out", "x", "--only", "all"], "argument --only: invalid choice: 'all'"),
        (["--out", "{empty}", "--only", "report"], "has no results of both parts yet: leave out --only."),
    ],
)
def test_what_it_cannot_do_is_a_sentence_and_status_2(arguments, sentence, tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as ended:
        peers.main([argument.format(empty=tmp_path) for argument in arguments])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
