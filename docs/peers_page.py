"""From docs/study/peers.json to docs/peers.md: a pure function. Nothing is trained or measured here."""

from typing import Any

OURS, SHIPPED, REAL = "gan-dpr", "emoji-64", "real"
MODELS = {
    "lightweight-gan": "lightweight-gan",
    "stylegan2": "stylegan2_pytorch",
    "stylegan2-narrow": "stylegan2_pytorch, narrow",
    OURS: "GAN-DPR, the study's working recipe",
}
PEERS = tuple(name for name in MODELS if name != OURS)
TIMED = {
    PEERS[0]: "lightweight-gan, 32 px", PEERS[1]: "stylegan2_pytorch, 32 px",
    PEERS[2]: "stylegan2_pytorch, narrow, 32 px", OURS: "GAN-DPR, the study's, 32 px",
    SHIPPED: "GAN-DPR, as shipped, 64 px", "sd-turbo": "SD-Turbo's architecture, 512 px",
}  # fmt: skip
THREADS = (1, 2)
Result = dict[str, Any]


def page(raw: dict[str, Any]) -> str:
    """docs/peers.md, from the raw results alone."""
    seconds = next(one["told"]["seconds"] for one in raw["trained"] if one["told"]["model"] == OURS)
    shown = {name: mean([pictures_of(one) for one in of(raw, name)]) for name in MODELS}
    *some, last = (f"{pictures:,.0f}" for pictures in shown.values())
    facts = raw["times"]["machine"]
    where = f"{facts['processor']}, {facts['cores']} cores, PyTorch {facts['torch']}"
    return PAGE.format(
        seconds=f"{seconds:g}", shown=f"{', '.join(some)} and {last}", where=where, load=facts["load_average"],
        trained=trained_table(raw), times=times_table(raw),
    )  # fmt: skip


def trained_table(raw: dict[str, Any]) -> str:
    """What each model made of its time: mean (least to greatest seed)."""
    lines = [
        "| model | seeds | parameters: draws, judges | training pictures a second ↑ | steps x pictures | "
        "KID x 1000 ↓ | precision ↑ | recall ↑ | coverage ↑ |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, label in (*MODELS.items(), (REAL, "other real pictures")):
        found = of(raw, name)
        if not found:
            continue
        cells = [label, "", "", "", ""]
        if name != REAL:
            parameters, steps = found[0]["parameters"], mean([one["steps"] for one in found])
            cells[1] = str(len(found))
            cells[2] = ", ".join(millions(parameters[side]) for side in ("generator", "discriminator"))
            cells[3] = spread([pictures_of(one) / one["cpu_seconds"] for one in found], 1)
            cells[4] = f"{steps:,.0f} x {found[0]['batch']}"
        cells.append(spread([1000 * one["figures"]["kid"] for one in found], 1))
        cells += [spread([one["figures"][key] for one in found], 2) for key in ("precision", "recall", "coverage")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def times_table(raw: dict[str, Any]) -> str:
    """Milliseconds a picture, network by network and part by part; parts that follow each other are added up."""
    lines = [
        "| network | what of it | parameters | one thread, ms ↓ | two threads, ms ↓ |",
        "|---|---|---|---|---|",
    ]
    for name, label in TIMED.items():
        one, two = (raw["times"]["networks"][name][str(threads)] for threads in THREADS)
        rows = [(part, one[part]["parameters"], one[part]["cpu_ms"], two[part]["wall_ms"]) for part in one]
        if name == "sd-turbo":
            rows.append(("all three", *(sum(row[i] for row in rows) for i in (1, 2, 3))))
        for part, parameters, *found in rows:
            lines.append(f"| {label} | {part} | {millions(parameters)} | {' | '.join(map(milliseconds, found))} |")
    return "\n".join(lines)


def of(raw: dict[str, Any], name: str) -> list[Result]:
    return [one for one in raw["trained"] if one["told"]["model"] == name]


def pictures_of(result: Result) -> int:
    """Real pictures that a training was shown."""
    return result["steps"] * result["batch"]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def spread(values: list[float], digits: int) -> str:
    """Mean (least to greatest)."""
    text = f"{mean(values):,.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def millions(parameters: int) -> str:
    return f"{parameters / 1e6:,.1f} M"


def milliseconds(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


PAGE = """<!-- Written by python -m docs.peers from study/peers.json: not this file is to be changed. -->

# Public GANs on the same drawings

What does one get out of {seconds} seconds of one CPU core? Two GANs that pip installs,
[lightweight-gan](https://github.com/lucidrains/lightweight-gan) 1.2.1 and
[stylegan2_pytorch](https://github.com/lucidrains/stylegan2-pytorch) 1.9.0, beside the working recipe of
[the study](study.md), on its drawings: 24 things, flat and in 3D, every turn, tint and background, 32 px.
`python -m docs.peers --out runs/peers` makes all of it anew, or goes on where it was stopped.

**Answer.** In {seconds} CPU seconds *lightweight-gan*, *stylegan2_pytorch*, the same narrow and *GAN-DPR* were shown
{shown} training pictures.
None of the peers draws a thing by then: coloured clouds, and of *lightweight-gan* a pattern. A quarter of the channels
gives *stylegan2_pytorch* more steps, and in these seconds no better pictures. *GAN-DPR* draws the things.

{trained}

Mean over the seeds (least to greatest). KID, precision, recall and coverage are the study's: EfficientNet-Lite0's
features of 400 drawn pictures beside those of 400 real ones. The last row is what 400 other real pictures get.

![Real pictures, and what each model draws](images/peers.png)

Two rows each, from above: real pictures, *GAN-DPR* for the same captions (which leave the style open),
*stylegan2_pytorch* with a quarter of its channels (narrow), as it is, and *lightweight-gan*. The first seed's first
pictures, unpicked.

**They are not asked the same.** The peers are told nothing: any picture will do that looks like one of those that they
were shown. Ours is told captions, in training and when it draws, and has to keep to them; that is more to do. It is
also more to learn from: each of its pictures has a right answer, which it copies for three fifths of the time before it
contends with anything. And its network is made for such pictures: it draws a thing, which layers then turn, tint and
lay on a ground, all of which the peers have to learn from pixels. [The study](study.md) has taken the copying and the
layers out: without either, next to nothing that is said comes out right (in forty seconds). KID and the rest compare
all pictures with all real ones, and do not see whether a caption is kept.

**What this does not say.** Both peers are made for GPUs, larger pictures and many hours. lightweight-gan takes 32 px,
which are below the sizes that it names: the connections between far layers that it is known for begin at 128 px, and
its discriminator's costly attention looks at every picture at 32 px, whatever its size. With hours on a GPU they may
well draw these pictures better than ours does; that was not tried.

## How they were trained

- Each in one thread, until its CPU time was used up: the clock of the study. A step that has begun is finished, and
  reading pictures counts. The peers read 20,000 finished PNG files; ours renders what it learns from and encodes the
  captions, within its time but for the first 1,024. The machine had other work beside some of them, which makes a CPU
  second worth less: the ranges of training pictures a second show by how much.
- All else is as the `Trainer` classes of the packages have it (4 pictures a step, no accumulation), but for the size
  and for no extra processes that read pictures. *Narrow* is `network_capacity=4`, a quarter of the channels.
- They draw with the generator itself: the average of its weights begins after 20,000 steps and is till then a copy of
  an early one. StyleGAN2's styles are not truncated.
- Changed in their source, by four patterns at the top of `docs/peers.py`: the assertion that there is CUDA is taken
  out, so are calls of `.cuda()`, `torch.device("cuda:0")` is `"cpu"`, and `import aim`, which keeps records, is taken
  out. Their checkpoints and sheets of samples are switched off, which would have cost them training time.

## Milliseconds a picture

{times}

Batch 1, float32, {where}; medians.
One thread is CPU time, which is what the clock shows on an idle core. Two threads are by the clock, at a load of {load}
(their own is 2): on a machine with other work they tell less. `--only time` measures them anew. *GAN-DPR* from a prompt
to a picture reads the text, draws, and scores the picture. The latent diffusion network has SD-Turbo's architecture
(the U-Net, decoder and text encoder of Stable Diffusion 2.1), draws 512 x 512 pixels in one step, and has **random
weights**: only its time means anything. With those that it is published with it draws whatever is said, at 64 to 256
times the pixels; ours draws a world of emoji. Neither takes the other's place.
"""
