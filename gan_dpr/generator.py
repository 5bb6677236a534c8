"""(text, noise) -> picture: the generator, in the line of DCGAN, with an optional layered composition."""

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init

from .config import GeneratorConfig
from .layers import ACTIVATIONS, POOLS, AttentionPool, GeneratorBlock, init_weights


class Canvas(nn.Module):
    """Linear head -> low-resolution map -> (upsample, conv block) x n -> upsample -> `outputs` channels.

    Most of the parameters sit in the head, where one costs one multiplication a picture; the last, full
    resolution sees a single narrow convolution. (A sub-pixel convolution draws a checkerboard there, which the
    retriever lets pass: docs/training.md.)
    """

    CHOICE_DIM = 64

    def __init__(self, config: GeneratorConfig, condition_dim: int, outputs: int):
        super().__init__()
        self.base_size, channels = config.base_size, config.channels
        inputs = condition_dim + config.noise_dim
        activation = ACTIVATIONS[config.activation]
        # What the text leaves open, noise says in the text's own terms: an unnamed style is drawn as a named one.
        self.choice = None
        if config.conditioning == "film":
            self.choice = nn.Sequential(
                nn.Linear(inputs, self.CHOICE_DIM), activation(), nn.Linear(self.CHOICE_DIM, condition_dim)
            )
        self.head = nn.Sequential(
            nn.Linear(inputs, config.hidden_dim),
            activation(),
            nn.Linear(config.hidden_dim, channels[0] * self.base_size**2),
        )
        film = inputs if config.conditioning == "film" else None
        self.blocks = nn.ModuleList(
            GeneratorBlock(before, after, config.norm, config.activation, film)
            for before, after in zip(channels[:1] + channels, channels, strict=False)
        )
        self.narrow = nn.Conv2d(channels[-1], 16, 3, padding=1)
        self.project = nn.Conv2d(16, outputs, 3, padding=1)

    def forward(self, content: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, condition_dim), (N, noise_dim) -> (N, outputs, canvas, canvas), unbounded."""
        condition = torch.cat([content, noise], 1)
        if self.choice is not None:
            condition = torch.cat([content + self.choice(condition), noise], 1)
        # In float32: casting the head's weights and their gradient would take longer than multiplying.
        with torch.autocast(condition.device.type, enabled=False):
            x = self.head(condition.float())
        x = x.view(len(condition), -1, self.base_size, self.base_size)
        x = x.contiguous(memory_format=torch.channels_last)
        for i, block in enumerate(self.blocks):
            if i > 0:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = block(x, condition)
        return self.project(F.interpolate(self.narrow(x), scale_factor=2.0, mode="bilinear"))


def duotone(colour: torch.Tensor, pigment: torch.Tensor) -> torch.Tensor:
    """Recolour (N, 3, H, W) in [0, 1] by its lightness alone: black over `pigment` (N, 3, 1, 1) to white."""
    weights = colour.new_tensor([0.299, 0.587, 0.114])[:, None, None]  # of ITU-R BT.601
    light = 2 * (weights * colour).sum(1, keepdim=True)
    return pigment * light.clamp(max=1) + (1 - pigment) * (light - 1).clamp(min=0)


class Composition(nn.Module):
    """Recolours, turns and places a drawn object on a background, all as the text says.

    `x = background + turn-and-place(premultiplied object) - alpha * background`. Size, place, orientation
    and tint are geometry and a colour ramp here rather than texture, so what is learnt on one concept holds
    for all. The turn is a gate over the four rotations, the tint a colour and how much of it; each sees one
    slot of the text alone.
    """

    POSE_SLOTS, POSE_DIM, BACKGROUND_SLOTS, TURN_DIM, TINT_DIM = 4, 16, 2, 16, 16
    # An object's side as a share of the picture's. It never covers the corners, or it would grow until it
    # had taken over the background's part, and pose would mean nothing.
    SCALES = (0.25, 0.9)
    REACH = 0.8  # how far its centre may go, in half pictures

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.image_size = config.image_size
        pose_dim, background_dim = self.POSE_SLOTS * self.POSE_DIM, self.BACKGROUND_SLOTS * self.POSE_DIM
        shapes = [(self.POSE_SLOTS, self.POSE_DIM), (self.BACKGROUND_SLOTS, self.POSE_DIM),
                  (1, self.TURN_DIM), (1, self.TINT_DIM)]  # fmt: skip
        self.pools = nn.ModuleList(AttentionPool(config.text_dim, *shape) for shape in shapes)  # as in PARTS
        self.pose = nn.Sequential(nn.Linear(pose_dim + config.noise_dim, 256), nn.GELU(), nn.Linear(256, 3))
        self.background = nn.Sequential(
            # Wide, so that it learns faster than the canvas: else the object grows into a background.
            nn.Linear(background_dim + config.noise_dim, 512), nn.GELU(), nn.Linear(512, 3 + 3 * 4 * 4)
        )
        self.turn = nn.Linear(self.TURN_DIM, 4)
        self.tint = nn.Linear(self.TINT_DIM, 4)
        side = config.base_size * 2 ** len(config.channels)
        self.silhouette = nn.Parameter(torch.empty(1, 1, side, side))  # what all objects share: logits of alpha
        self.widths = [pose_dim, background_dim, self.TURN_DIM, self.TINT_DIM]

    def forward(
        self, layer: torch.Tensor, condition: torch.Tensor, of_pose: torch.Tensor, of_background: torch.Tensor
    ) -> torch.Tensor:
        """(N, 4, canvas, canvas), (N, sum(widths)), two noises (N, noise_dim) -> (N, 3, S, S) in [-1, 1]."""
        placing, behind = self.place(condition, of_pose), self.draw_background(condition, of_background)
        return self.compose(self.draw_object(layer, condition), placing, behind, self.image_size)

    def draw_object(self, layer: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(N, 4, canvas, canvas), (N, sum(widths)) -> the object of that shape: tinted, turned, premultiplied."""
        _, _, turn, tint = condition.split(self.widths, dim=1)
        colour, alpha = torch.sigmoid(layer[:, :3]), torch.sigmoid(4 * torch.tanh(layer[:, 3:] / 4) + self.silhouette)
        strength, pigment = self.tint(tint).sigmoid()[:, :, None, None].split([1, 3], dim=1)
        colour = torch.lerp(colour, duotone(colour, pigment), strength)
        layer = torch.cat([colour * alpha, alpha], dim=1).contiguous()  # premultiplied, so that it can be mixed
        gate = self.turn(turn).softmax(1)[:, :, None, None, None]  # (N, 4, 1, 1, 1)
        turned = torch.stack([torch.rot90(layer, -k, dims=(2, 3)) for k in range(4)], dim=1)
        return (gate * turned).sum(1)

    def place(self, condition: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, sum(widths)), (N, noise_dim) -> (N, 2, 3): where each place of the picture looks at on the canvas."""
        pose = condition.split(self.widths, dim=1)[0]
        scale, shift = self.pose(torch.cat([pose, noise], 1)).sigmoid().split([1, 2], dim=1)
        inverse = 1 / torch.lerp(*scale.new_tensor(self.SCALES), scale)[:, :, None]  # (N, 1, 1)
        shift = self.REACH * (2 * shift - 1)
        # Place p in [-1, 1] looks at (p - shift) / scale.
        linear = inverse * torch.eye(2, dtype=scale.dtype, device=scale.device)
        return torch.cat([linear, -inverse * shift[:, :, None]], dim=2)

    def draw_background(self, condition: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, sum(widths)), (N, noise_dim) -> (N, 3, 4, 4) in [0, 1]."""
        background = condition.split(self.widths, dim=1)[1]
        plain, detail = self.background(torch.cat([background, noise], 1)).split([3, 48], dim=1)
        return torch.sigmoid(plain[:, :, None, None] + detail.view(-1, 3, 4, 4) / 4)

    @staticmethod
    def compose(drawn: torch.Tensor, placing: torch.Tensor, behind: torch.Tensor, size: int) -> torch.Tensor:
        """Objects (N, 4, h, h), (N, 2, 3) and backgrounds (N, 3, 4, 4) -> pictures (N, 3, size, size) in [-1, 1]."""
        grid = F.affine_grid(placing, [len(drawn), 4, size, size], align_corners=False)
        placed = F.grid_sample(drawn, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        behind = F.interpolate(behind, size=(size, size), mode="bilinear", align_corners=False)
        colour, alpha = placed.split([3, 1], dim=1)
        return 2 * (colour + behind * (1 - alpha)) - 1


# What reads the text on its own in a layered generator: the canvas, then the composition's parts.
PARTS = ("content", "pose", "background", "orientation", "tint")
NOISY_PARTS = PARTS[:3]  # what reads noise as well: it decides what the text leaves open


class Generator(PreTrainedModel):
    """Draws pictures from token states of a text tower and noise, in one pass.

    A layered generator's PARTS can each be given a text, its NOISY_PARTS each a noise of their own. Training does
    so (SceneSource's mixed captions): what a part must not know is then noise to it, and it learns to leave it
    alone.
    """

    config_class = GeneratorConfig
    main_input_name = "states"

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        self.pool = POOLS[config.pooling](config.text_dim, config.slots, config.slot_dim)
        layered = config.composition == "layered"
        self.content_dim = config.slots * config.slot_dim
        self.canvas = Canvas(config, self.content_dim, outputs=4 if layered else 3)
        self.composition = Composition(config) if layered else None
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        init_weights(module, self.config.init)
        if isinstance(module, Composition):
            # Start with a medium, upright disc in the middle of a plain background: all gradients overlap with it.
            for head in (module.pose[-1], module.background[-1], module.turn, module.tint):
                init.normal_(head.weight, std=0.05)
            init.constant_(module.turn.bias[:1], 3.0)
            init.constant_(module.tint.bias[:1], -2.0)
            axis = torch.linspace(-1, 1, module.silhouette.shape[-1])
            init.copy_(module.silhouette, (1 - 7 * (axis[:, None] ** 4 + axis**4))[None, None])
        elif isinstance(module, Canvas):
            init.normal_(module.project.weight, std=0.02)
            if module.choice is not None:
                init.zeros_(module.choice[-1].weight)

    def condition(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool -> (N, D): everything that the text says to the generator.

        Or (len(PARTS), N, L, text_dim), (len(PARTS), N, L) for a text for each part of a layered generator.
        """
        pools = [self.pool] if self.composition is None else [self.pool, *self.composition.pools]
        if states.dim() == 3:
            states, mask = states.expand(len(pools), -1, -1, -1), mask.expand(len(pools), -1, -1)
        return torch.cat([pool(*text) for pool, *text in zip(pools, states, mask, strict=True)], 1)

    def forward_conditioned(self, condition: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, D), (N, noise_dim) from N(0, 1) -> (N, 3, S, S) in [-1, 1].

        Or (len(NOISY_PARTS), N, noise_dim) for a noise for each such part of a layered generator.
        """
        content, parts = condition.tensor_split([self.content_dim], dim=1)
        if self.composition is None:
            return torch.tanh(self.canvas(content, noise).float())
        of_canvas, of_pose, of_background = noise.expand(len(NOISY_PARTS), -1, -1)
        layer = self.canvas(content, of_canvas).float()
        # In float32 whatever the networks run in: bf16 has too few steps for colours and places.
        with torch.autocast(layer.device.type, enabled=False):
            return self.composition(layer, parts.float(), of_pose, of_background)

    def forward(self, states: torch.Tensor, mask: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(N, L, text_dim), (N, L) bool, noise -> (N, 3, S, S) in [-1, 1]; texts as in `condition`, noise as above."""
        return self.forward_conditioned(self.condition(states, mask), noise)
