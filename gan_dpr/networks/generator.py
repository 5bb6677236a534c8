"""(text, noise) -> picture: the generator, with an optional layered composition."""

from dataclasses import replace

import torch
from torch import nn
from transformers import PreTrainedModel

from ..config import GeneratorConfig
from .canvas import Canvas
from .composition import Composition, LayerValues, clipped, premultiplied
from .layers import POOLS, Whitening, attend, initialise
from .memory import KINDS, Memory
from .parts import Part, parts_of
from .restyler import EMPHASIS, Restyler
from .taught import Taught


class Generator(PreTrainedModel):
    """Draws pictures from token states of a text tower and noise, in one pass.

    Its `parts` (see `parts_of`) read the text each on its own. What they read is the condition, (N, K, D): K objects,
    and D numbers for all parts side by side; those of the whole scene stand in every row alike. Noise is (N, Z), all
    parts side by side again, the objects' one after another.
    """

    config_class = GeneratorConfig
    main_input_name = "states"

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        self.parts: dict[str, Part] = {part.name: part for part in parts_of(config)}
        layered = config.composition == "layered"
        self.objects = config.objects if layered else 1
        self.whitening = Whitening(config.text_dim)
        self.pools = nn.ModuleDict(
            {name: POOLS[config.pooling](config.text_dim, part.slots, part.slot_dim,
                                         1 if part.of_scene else self.objects)
             for name, part in self.parts.items()}
        )  # fmt: skip
        # What the text leaves open of something that is looked up, noise says in the text's own terms: an unnamed
        # style is drawn as a named one.
        self.choices = nn.ModuleDict(
            {name: nn.Sequential(nn.Linear(part.width + part.noise_dim, 128), nn.GELU(), nn.Linear(128, part.width))
             for name, part in self.parts.items() if part.looks_up and part.noise_dim}
        )  # fmt: skip
        drawn = [self.parts[name] for name in (("thing", "style") if layered else ("picture",))]
        code_dim = sum(part.width + (0 if part.looks_up else part.noise_dim) for part in drawn)
        self.canvas = Canvas(
            code_dim, config.hidden_dim, config.depth, config.base, config.head_channels, config.widths, config.norm,
            config.activation, config.conditioning, outputs=4 if layered else 3,
        )  # fmt: skip
        self.memory = self.restyler = None
        if layered and config.things:
            widths = [self.parts[name].width for name in KINDS]
            self.memory = Memory(config.things, config.styles, *widths)
            self.restyler = Restyler(config.restyling, widths[1]) if config.restyling else None
        self.taught = None
        if config.taught:
            map_size = config.head_channels * config.base**2
            self.taught = Taught(config.taught, self.parts["thing"].width, code_dim, map_size)
        self.composition = None
        if layered:
            known = config.places, config.backgrounds
            self.composition = Composition(self.parts, config.image_size, self.objects, *known)
        self.post_init()
        initialise(self, config.init)

    @property
    def latent_dim(self) -> int:
        """Z: how many numbers of noise a picture takes."""
        return sum(part.noise_dim * (1 if part.of_scene else self.objects) for part in self.parts.values())

    def condition(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool -> (N, K, D): everything that the text says to the generator.

        Or (P, N, L, text_dim), (P, N, L) with a text for each of the P parts.
        """
        pools = self.pools.values()
        if states.dim() == 3 and self.config.pooling == "slots":
            codes = attend(pools, states, mask, self.whitening)
        else:
            texts = zip(states, mask, strict=True) if states.dim() == 4 else [(states, mask)] * len(pools)
            codes = [pool(*text, self.whitening) for pool, text in zip(pools, texts, strict=True)]
        return self.joined(dict(zip(self.parts, codes, strict=True)))

    def joined(self, codes: dict[str, torch.Tensor]) -> torch.Tensor:
        """The condition of which `codes` makes these: (N, K, width) or (N, 1, width) by part -> (N, K, D)."""
        return torch.cat([codes[name].expand(-1, self.objects, -1) for name in self.parts], 2)

    def codes(self, condition: torch.Tensor) -> dict[str, torch.Tensor]:
        """(N, K, D) -> what each part reads, (N, K, width), or (N, 1, width) for a part of the scene."""
        split = condition.split([part.width for part in self.parts.values()], dim=2)
        codes = dict(zip(self.parts, split, strict=True))
        return {name: code[:, :1] if self.parts[name].of_scene else code for name, code in codes.items()}

    def noises(self, noise: torch.Tensor) -> dict[str, torch.Tensor]:
        """(N, Z) -> the noise of each part that has one, (N, K, noise_dim), or (N, 1, noise_dim)."""
        noisy = self.noisy_parts
        rows = {name: 1 if part.of_scene else self.objects for name, part in noisy.items()}
        split = noise.split([part.noise_dim * rows[name] for name, part in noisy.items()], dim=1)
        return {name: part.unflatten(1, (rows[name], -1)) for name, part in zip(noisy, split, strict=True)}

    @property
    def noisy_parts(self) -> dict[str, Part]:
        """The parts that decide what the text leaves open."""
        return {name: part for name, part in self.parts.items() if part.noise_dim}

    def chosen(self, name: str, code: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """What a part that looks up makes of the text and noise: (..., width), (..., noise_dim) -> (..., width)."""
        return code + self.choices[name](torch.cat([code, noise], -1))

    def draw(self, codes: dict[str, torch.Tensor]) -> torch.Tensor:
        """The drawings alone, of codes that noise has been given to (see `decided`).

        Straight RGBA (N, K, 4, S, S) in [0, 1], or (N, 1, 3, S, S) in [-1, 1] without layers.
        """
        sketch, finish = (part.flatten(0, 1) for part in self.sketched(codes))
        drawings = self.bounded(self.canvas.refined(sketch, finish)).unflatten(0, (-1, self.objects))
        return drawings if self.restyler is None or "restyled" not in codes else self.restyled(drawings, codes)

    def restyled(self, drawings: torch.Tensor, codes: dict[str, torch.Tensor]) -> torch.Tensor:
        """Drawings as of `draw`, in the finish that the codes ask for where that is none of those that are known."""
        asked = codes["restyled"][..., 0] > 0.5
        if "taught" in codes:
            asked = asked & (codes["taught"].sum(-1) < 0.5)
        if not asked.any() or not self.restyler.begun:
            return drawings
        known = premultiplied(drawings[asked])
        styles = codes["design"][asked], codes["style"][asked]
        colour, alpha = clipped(self.restyler(known, *styles, EMPHASIS)).split([3, 1], 1)
        made = torch.cat([colour / alpha.clamp(min=1e-4), alpha], 1)
        return drawings.masked_scatter(asked[..., None, None, None], made.to(drawings.dtype))

    def sketched(self, codes: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Of `decided` codes what the canvas draws, (N, K, map_size), and in what finish, (N, K, code_dim).

        Where there is a restyler, the finish is that of the known drawing: the canvas draws another one badly.
        """
        if self.composition is None:
            return self.canvas.sketched(codes["picture"]), codes["picture"]
        known = codes.get("design", codes["style"])
        styles = (known, codes["style"] if self.restyler is None else known)
        design, finish = (torch.cat([codes["thing"], style], -1) for style in styles)
        sketch = self.canvas.sketched(design)
        if "taught" in codes:
            sketch = self.taught.instead(codes["taught"], sketch, "maps")
            finish = self.taught.instead(codes["taught"], finish, "finishes")
        return sketch, finish

    def bounded(self, drawings: torch.Tensor) -> torch.Tensor:
        """What the canvas puts out -> colours and alpha in [0, 1], or in [-1, 1] without layers."""
        return drawings.float().tanh() if self.composition is None else drawings.float().sigmoid()

    def decided(self, codes: dict[str, torch.Tensor], noises: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The codes, with what the text leaves open of a drawing decided by noise, and recalled by who remembers."""
        if self.composition is None:
            return {"picture": torch.cat([codes["picture"], noises["picture"]], -1)}
        codes = codes | {name: self.chosen(name, codes[name], noises[name]) for name in self.choices}
        if self.memory is None:
            return codes
        recalled = self.memory.recalled(codes["thing"], codes["style"])
        if self.taught is not None:
            recalled["taught"] = self.taught.shares(codes["thing"], self.memory.keys["thing"], noises["style"])
        return codes | recalled

    def layers(
        self, codes: dict[str, torch.Tensor], noises: dict[str, torch.Tensor], settling: torch.Tensor | float = 1.0
    ) -> tuple[torch.Tensor, LayerValues]:
        """What a layered picture is put together from: drawings as of `draw`, and where and how each is shown.

        `codes` are `decided` ones; `settling` is as of `Composition.read`.
        """
        drawings = self.draw(codes)
        # In float32 whatever the networks run in: bf16 has too few steps for colours and places.
        with torch.autocast(drawings.device.type, enabled=False):
            wide = [{name: x.float() for name, x in values.items()} for values in (codes, noises)]
            values = self.composition.read(*wide, settling)
            if "taught" in codes:
                values = replace(values, extent=self.taught.instead(codes["taught"], values.extent, "extents"))
            return drawings, values

    def forward_conditioned(
        self, condition: torch.Tensor, noise: torch.Tensor, settling: torch.Tensor | float = 1.0
    ) -> torch.Tensor:
        """(N, K, D), (N, Z) from N(0, 1) -> (N, 3, S, S) in [-1, 1]."""
        noises = self.noises(noise)
        return self.shown(self.decided(self.codes(condition), noises), noises, settling)

    def shown(
        self, codes: dict[str, torch.Tensor], noises: dict[str, torch.Tensor], settling: torch.Tensor | float = 1.0
    ) -> torch.Tensor:
        """The picture (N, 3, S, S) in [-1, 1] of `decided` codes."""
        if self.composition is None:
            return self.draw(codes)[:, 0]
        drawings, values = self.layers(codes, noises, settling)
        with torch.autocast(drawings.device.type, enabled=False):
            return self.composition(drawings, values)

    def forward(self, states: torch.Tensor, mask: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool, (N, Z) -> (N, 3, S, S) in [-1, 1]; texts as in `condition`."""
        return self.forward_conditioned(self.condition(states, mask), noise)
