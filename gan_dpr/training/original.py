"""The recipe of the first implementation (2023), kept to show why it fails. See docs/training.md.

Everything that only it needs is in this file.
"""

import time

import torch

from ..config import Phase
from ..images import to_uint8
from .balance import StepStats
from .losses import dpr_nll
from .trainer import Side, Trainer

EPOCH = 500  # steps of an "epoch" of endless scenes
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def original_generator_loss(positive: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """The first implementation's MSE(-log softmax, 0): largest where D wins, and blind to the text."""
    nll = torch.logsumexp(torch.cat([positive[:, None], negatives], 1), 1) - positive
    return nll.square().mean()


class OriginalTrainer(Trainer):
    """500 steps of D, then 500 of G; the text pooling of G learns from D's loss; G's loss is MSE(-log softmax, 0).

    Everything else that went wrong in it is here too: raw dot products, BatchNorm on separate real and
    generated batches, ImageNet-normalised real pictures against tanh's range, the same batches every epoch.
    """

    def generator_parameters(self) -> list[torch.nn.Parameter]:
        text = {id(p) for p in self.generator.pools.parameters()}
        return [p for p in self.generator.parameters() if id(p) not in text]

    def discriminator_parameters(self) -> list[torch.nn.Parameter]:
        # The text encoder was one for both, and not detached in D's phase: it learns to sabotage G.
        return [*self.retriever.parameters(), *self.generator.pools.parameters()]

    def step(self, side: Side = "both") -> StepStats:
        """One update of whichever side's phase it is, or of the `side` that is asked for."""
        start = time.perf_counter()
        rates = self.set_rates()
        for_d = self.global_step // EPOCH % 2 == 0 if side == "both" else side == "d"
        number = self.global_step
        self.global_step %= EPOCH  # shuffled once: every epoch has the same batches
        batch, rng = self.drawn_batch(Phase("contend"))
        self.global_step = number
        text = self.text_of(batch)
        n = len(batch.captions)
        noise = self.normal((n, self.generator.latent_dim), rng)
        mean, std = (batch.pixels.new_tensor(v)[None, :, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
        real = ((batch.pixels + 1) / 2 - mean) / std
        captions = self.retriever.encode_text(text.states[:n], text.mask[:n])
        fake = self.generator(text.states[:n], text.mask[:n], noise)
        seen, made = self.retriever.read_image(real), self.retriever.read_image(fake)  # two batches: BatchNorm leaks
        score_real, score_fake = ((captions * out.embeds).sum(1) for out in (seen, made))
        logits = captions @ seen.embeds.T
        own = torch.eye(n, dtype=torch.bool, device=logits.device)
        others = logits.masked_fill(own, -torch.inf)
        nll = dpr_nll(score_real, torch.cat([others, score_fake[:, None]], 1))
        loss_g = original_generator_loss(score_fake, torch.cat([others, score_real[:, None]], 1))
        if for_d:
            norms = {"grad_norm_d": self.apply(nll, self.optimizer_d, "L_D")}
        else:
            norms = {"grad_norm_g": self.apply(loss_g, self.optimizer_g, "L_G")}
        gaps = (score_real - score_fake).detach()
        low, middle, high = gaps.quantile(gaps.new_tensor([0.25, 0.5, 0.75])).tolist()
        return self.finished_step("contend", rates, norms | {
            "loss_d": nll.item(), "loss_g": loss_g.item(), "win_share": (gaps > 0).float().mean().item(),
            "gap": middle, "gap_q25": low, "gap_q75": high,
            "recall_at_1": (logits.argmax(1) == own.int().argmax(1)).float().mean().item(), "nce": nll.item(),
        }, start)  # fmt: skip

    def sample(self, prompts: list[str], seed: int = 0):
        """As the original did: tanh's output is not mapped back from [-1, 1], only clipped to [0, 1]."""
        text = self.text_tower.encode(prompts).to(self.device)
        gen = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(prompts), self.ema.latent_dim, generator=gen)
        with torch.no_grad():
            drawn = self.ema(text.states, text.mask, noise.to(self.device))
        return to_uint8(2 * drawn.clamp(0, 1) - 1)
