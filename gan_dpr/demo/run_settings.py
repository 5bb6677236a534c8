"""What a visitor sets in Mini-train: the controls, the presets' values for them, and the address that says them."""

import json

import gradio as gr
import torch

from ..config import Preset
from .drawing import MAX_SEED
from .lending import ON_ZERO_GPU
from .links import Link, number_of
from .prompts import check_range
from .small_presets import FIRST, SETTINGS, SHOWN, reconstructs, small_preset
from .training import LIVE
from .words import say, t

SLIDERS = {  # setting -> (lowest, highest, step, label, info)
    "lr_reconstruct": (0, 5e-3, 1e-5, "Learning rate, reconstruction", "How fast the generator copies"),
    "lr_g": (0, 2e-3, 1e-5, "Learning rate G", "How fast the generator moves"),
    "lr_d": (0, 2e-3, 1e-5, "Learning rate D", "How fast the retriever moves"),
    "gamma": (0, 20, 0.05, "γ, gradient penalty", "Higher holds D back; 0 lets it run"),
    "weight_nce": (0, 10, 0.05, "D: retrieval", "InfoNCE, texts against pictures"),
    "weight_swap": (0, 10, 0.05, "Swapped attribute", "Captions with one word changed"),
    "weight_nce_text": (0, 10, 0.05, "G: find the caption", "The fake must find its own text"),
    "weight_nce_image": (0, 10, 0.05, "G: find the picture", "The fake must find its real twin"),
    "weight_feature": (0, 100, 0.5, "G: feature distance", "The fake must look like the real picture to D"),
    "weight_reconstruct": (0, 50, 0.5, "G: reconstruction", "While D is there: hold what was copied"),
}
RULES = (*LIVE, "auto_balance")  # what may be changed while a run goes on, in the order of the controls
# setting -> lowest and highest, so that every preset's own value can be set
BOUNDS = {
    setting: (low, max(high, *(getattr(settings, setting) for settings in SETTINGS.values())))
    for setting, (low, high, *_) in SLIDERS.items()
} | {"auto_balance": (False, True)}
SECONDS, MAX_SECONDS, MAX_STEPS = 120, 600, 20_000


def _link(name: str) -> Link:
    """An address leaves out what is the preset's own."""
    own = SETTINGS[name]
    usual = {"reconstruct": reconstructs(name), "train_seed": own.seed}
    return Link(("preset", *usual, *RULES), usual | {rule: getattr(own, rule) for rule in RULES})


LINK = _link(FIRST)
SHARE = f"""(name, ...others) => {{
  const share = {{ {", ".join(f"{json.dumps(name)}: {_link(name).share}" for name in SHOWN)} }};
  if (share[name]) share[name](name, ...others);
}}"""


class RunSettings:
    """The controls. Each half lays itself out inside the current Blocks: what a run begins with, and `lay_out_rules`,
    what may be changed while it goes on.
    """

    def __init__(self):
        first = small_preset(FIRST)
        with gr.Row(elem_classes="tight", elem_id="run-settings"):
            self.name = gr.Dropdown(
                list(SHOWN),
                value=first.name,
                label=t("Preset"),
                info=t(first.summary),
                min_width=300,
                scale=2,
                elem_id="preset",
            )
            self.reconstruct = gr.Checkbox(
                reconstructs(first.name),
                label=t("Reconstruct first"),
                info=t("G begins by copying its pictures"),
                min_width=150,
                elem_id="reconstruct",
            )
            self.seed = gr.Number(
                first.training.seed, precision=0, minimum=0, maximum=MAX_SEED, label=t("Seed"),
                info=t("Of the first weights and all that is drawn by lot"), min_width=110, elem_id="train-seed",
            )  # fmt: skip
            limit = {"info": t("Pauses by itself"), "min_width": 150, "buttons": []}
            self.seconds = gr.Slider(
                10, MAX_SECONDS, SECONDS, step=10, label=t("Seconds"), elem_id="max-seconds", **limit
            )
            self.steps = gr.Slider(100, MAX_STEPS, 5000, step=100, label=t("Steps"), elem_id="max-steps", **limit)
            gpu = torch.cuda.is_available() and not ON_ZERO_GPU  # a choice only where there is one
            self.device = gr.Radio(
                ["cuda", "cpu"] if gpu else ["cpu"],
                value="cuda" if gpu else "cpu",
                label=t("Device"),
                info=t("Where it trains"),
                min_width=150,
                visible=gpu,
            )
            self.precision = gr.Radio(
                ["no", "bf16"],
                value="no",
                label=t("Autocast"),
                info=t("bf16 is faster on a GPU"),
                min_width=150,
                visible=gpu,
            )

    def lay_out_rules(self) -> None:
        first = small_preset(FIRST).training
        self.rules: list[gr.Slider | gr.Checkbox] = []
        for setting, (*_, step, label, info) in SLIDERS.items():
            low, high = BOUNDS[setting]
            self.rules.append(
                gr.Slider(low, high, getattr(first, setting), step=step, label=t(label), info=t(info), buttons=[],
                          elem_id=f"rule-{setting}")
            )  # fmt: skip
        self.rules.append(
            gr.Checkbox(
                first.auto_balance,
                label=t("Balance γ by itself"),
                info=t("Every 100 steps: up where D always wins, down where it rarely does"),
            )
        )
        # What an address says, and what a preset sets.
        self.linked = [self.name, self.reconstruct, self.seed, *self.rules]
        self.of_preset = [self.name, self.reconstruct, *self.rules]


def chosen_preset(name: str, reconstruct: bool, seed: float | None, rules: tuple) -> Preset:
    """The preset as a visitor changed it. Raises ValueError with a sentence for the page."""
    if name not in SHOWN:
        raise ValueError(say("There is no preset {name} here: choose one from the list.", name=name))
    check_range("Seed", seed, 0, MAX_SEED)
    for setting, value in zip(LIVE, rules, strict=False):
        check_range(SLIDERS[setting][3], value, *BOUNDS[setting])
    chosen = small_preset(name, reconstruct)
    for setting, value in zip(("seed", *RULES), (int(seed), *rules), strict=True):
        setattr(chosen.training, setting, value)
    return chosen


def of_preset(name: str, reconstruct: bool | None = None) -> list:
    """Menu, checkbox and rules of a preset; what its recipe does not use cannot be moved."""
    able = reconstructs(name)
    chosen = small_preset(name, reconstruct is not False)
    rules = [
        gr.update(value=getattr(chosen.training, setting), interactive=_movable(name, setting)) for setting in RULES
    ]
    box = gr.Checkbox(value=able and reconstruct is not False, interactive=able)
    return [gr.update(value=name, info=say(chosen.summary)), box, *rules]


def _movable(name: str, setting: str) -> bool:
    return SETTINGS[name].recipe != "original-2023" or setting in ("lr_g", "lr_d")


def settings_from_link(request: gr.Request) -> list:
    """Menu, checkbox, rules and seed from the page's address, and the tab that shows them; what the address does not
    say, or says wrongly, is as the preset has it.
    """
    if not LINK.named(request):
        return [gr.skip()] * (4 + len(RULES))
    query = request.query_params
    name = query.get("preset") if query.get("preset") in SHOWN else FIRST
    shown = of_preset(name, query.get("reconstruct") != "false")
    for setting, rule in zip(RULES, shown[2:], strict=True):
        said = _rule_of(setting, query.get(setting, ""))
        if rule["interactive"] and not isinstance(said, dict):  # a dict changes nothing
            rule["value"] = said
    return [*shown, number_of(query.get("train_seed", ""), 0, MAX_SEED, int), gr.Tabs(selected="mini-train")]


def _rule_of(setting: str, text: str) -> float | bool | dict:
    if setting == "auto_balance":
        return text == "true" if text in ("true", "false") else gr.skip()
    return number_of(text, *BOUNDS[setting], float)
