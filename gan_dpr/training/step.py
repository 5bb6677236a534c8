"""The adversarial step: two symmetrical losses. Nothing here knows optimisers, files or clocks."""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from ..config import TrainingConfig
from ..networks.encoders import TokenStates
from ..networks.retriever import ImageOutput, Retriever
from .batches import Batch
from .losses import feature_distance, info_nce, mean_where, relativistic_pair, squared_gradient_norm

Stats = dict[str, float]


@dataclass(frozen=True)
class Scored:
    """A retriever's view of pictures, in float32: `match` is a(t, x) with the own caption, `score` S(t, x)."""

    embeds: torch.Tensor
    match: torch.Tensor
    score: torch.Tensor
    realness: torch.Tensor
    places: torch.Tensor

    def rows(self, start: int, end: int) -> "Scored":
        return Scored(*(value[start:end] for value in vars(self).values()))


def scored(captions: torch.Tensor, out: ImageOutput, scale: torch.Tensor, recipe: str) -> Scored:
    """Pictures beside their captions' vectors, row by row; DPR's one softmax has one logit and no realness."""
    embeds, realness, places = out.embeds.float(), out.realness.float(), out.places.float()
    match = scale * (captions * embeds).sum(1)
    return Scored(embeds, match, match if recipe == "dpr" else match + realness, realness, places)


def retriever_loss(
    settings: TrainingConfig, retriever: Retriever, batch: Batch, text: TokenStates, real: torch.Tensor,
    fake: torch.Tensor, noise: torch.Tensor | None,
) -> tuple[torch.Tensor, ImageOutput, Stats]:
    """D's loss, the real pictures as it saw them (detached), and what it measured.

    Args:
        text: N captions, then their N swaps.
        real: (N, 3, S, S) in [-1, 1].
        fake: (N + M, 3, S, S): N drawn for the captions, then M in-betweens that have none.
        noise: (2 k, 3, S, S) from N(0, 1), which perturbs the first k of both for the penalty; None for no penalty.
    """
    n, m = len(real), len(fake) - len(real)
    k = len(noise) // 2 if noise is not None else 0
    pixels = torch.cat([real, fake])
    if k:
        clean = torch.cat([real[:k], fake[:k]])
        pixels = torch.cat([pixels, clean + settings.penalty_sigma * noise])
    vectors, out, scale = retriever(text.states, text.mask, pixels)
    captions, swaps = vectors.float().split(n)
    rows = torch.cat([captions, captions, captions[:m], captions[:k], captions[:k]])
    seen = scored(rows, out, scale, settings.recipe)
    of_real, of_fake, between = seen.rows(0, n), seen.rows(n, 2 * n), seen.rows(2 * n, 2 * n + m)

    # rows: captions; columns: real pictures, then generated ones
    logits = scale * captions @ seen.embeds[: 2 * n].T
    matches, own = batch.matches, torch.eye(n, dtype=torch.bool, device=real.device)
    to_text = info_nce(logits[:, :n].T, matches.T)
    if settings.recipe == "dpr":
        pair, nce = info_nce(logits, torch.cat([matches, matches & ~own], 1)), to_text
    else:
        pair = relativistic_pair(of_real.score, of_fake.score)
        columns = torch.cat([matches, matches | own], 1) if settings.generated_negatives else matches
        nce = (info_nce(logits[:, : columns.shape[1]], columns) + to_text) / 2
    swap = mean_where(F.softplus(scale * (swaps * of_real.embeds).sum(1) - of_real.match), batch.has_swap)
    loss = pair + settings.weight_nce * nce + settings.weight_swap * swap
    if settings.recipe != "dpr":
        loss = loss + settings.weight_places * relativistic_pair(of_real.places, of_fake.places)
        if m:  # they have no caption: realness alone
            loss = loss + m / n * (
                relativistic_pair(of_real.realness[:m], between.realness)
                + settings.weight_places * relativistic_pair(of_real.places[:m], between.places)
            )
    r1 = r2 = loss.new_zeros(())
    if k:
        r1, r2 = (
            squared_gradient_norm(score[:k], perturbed, settings.penalty_sigma)
            for score, perturbed in zip((of_real.score, of_fake.score), seen.score[2 * n + m :].chunk(2), strict=True)
        )
        loss = loss + settings.gamma / 2 * (r1 + r2)

    gaps = (of_real.score - of_fake.score).detach()
    low, middle, high = gaps.quantile(gaps.new_tensor([0.25, 0.5, 0.75])).tolist()
    best = logits[:, :n].argmax(1, keepdim=True)
    return loss, _of_real(out, n), {
        "loss_d": pair.item(), "win_share": (gaps > 0).float().mean().item(),
        "gap": middle, "gap_q25": low, "gap_q75": high, "r1": r1.item(), "r2": r2.item(),
        "recall_at_1": (matches | own).gather(1, best).float().mean().item(),
        "nce": nce.item(), "swap": swap.item(), "logit_scale": scale.item(),
    }  # fmt: skip


def _of_real(out: ImageOutput, n: int) -> ImageOutput:
    stages = [stage[:n].detach() for stage in out.features.stages]
    first = (value[:n].detach() for value in (out.embeds, out.realness, out.places))
    return ImageOutput(*first, replace(out.features, stages=stages))


def generator_loss(
    settings: TrainingConfig, retriever: Retriever, batch: Batch, text: TokenStates, fake: torch.Tensor,
    seen: ImageOutput, known: torch.Tensor,
) -> tuple[torch.Tensor, Stats]:
    """G's loss against the retriever, whose weights take no gradient, and what it measured.

    Args:
        text, fake: as of `retriever_loss`.
        seen: the real pictures as the retriever saw them just before its update.
        known: (N,) bool: the generator could have drawn the real picture.
    """
    n, m = len(known), len(fake) - len(known)
    vectors = retriever.encode_text(text.states.detach(), text.mask).float()
    captions, swaps = vectors.split(n)
    scale = retriever.scale
    out = retriever.read_image(fake)
    drawn = scored(torch.cat([captions, captions[:m]]), out, scale, settings.recipe)
    real = scored(captions, seen, scale, settings.recipe)
    of_fake, between = drawn.rows(0, n), drawn.rows(n, n + m)
    pair = relativistic_pair(of_fake.score, real.score)
    swap = mean_where(F.softplus(scale * (swaps * of_fake.embeds).sum(1) - of_fake.match), batch.has_swap)
    nce_text = info_nce(scale * of_fake.embeds @ captions.T, batch.matches.T)
    nce_image = info_nce(scale * of_fake.embeds @ real.embeds.T, batch.matches)
    stages = [stage[:n] for stage in out.features.stages]
    feature = feature_distance(stages, seen.features.stages, known.float())
    loss = (
        pair
        + settings.weight_swap * swap
        + settings.weight_nce_text * nce_text
        + settings.weight_nce_image * nce_image
        + settings.weight_feature * feature
    )
    if settings.recipe != "dpr":
        loss = loss + settings.weight_places * relativistic_pair(of_fake.places, real.places)
        if m:
            loss = loss + m / n * (
                relativistic_pair(between.realness, real.realness[:m])
                + settings.weight_places * relativistic_pair(between.places, real.places[:m])
            )
    return loss, {"loss_g": pair.item(), "feature": feature.item()}


def retrieval_loss(
    settings: TrainingConfig, retriever: Retriever, batch: Batch, text: TokenStates, pictures: torch.Tensor,
    things: torch.Tensor | None,
) -> tuple[torch.Tensor, Stats]:
    """The retriever's loss without a contest: captions, pictures, swapped captions, and names.

    Args:
        text: N captions, then their N swaps.
        pictures: (N + M, 3, S, S) in [-1, 1]: the N real ones of the captions, then M that have only a name.
        things: (N + M,) long, what they show, as numbers of `batch.names`; None where there are no names.
    """
    n = len(text.mask) // 2
    vectors, out, scale = retriever(text.states, text.mask, pictures)
    captions, swaps = vectors.float().split(n)
    embeds = out.embeds.float()
    logits, own = scale * captions @ embeds[:n].T, torch.eye(n, dtype=torch.bool, device=pictures.device)
    nce = (info_nce(logits, batch.matches) + info_nce(logits.T, batch.matches.T)) / 2
    swap = mean_where(F.softplus(scale * (swaps * embeds[:n]).sum(1) - logits.diagonal()), batch.has_swap)
    found = (batch.matches | own).gather(1, logits.argmax(1, keepdim=True)).float().mean()
    loss = settings.weight_nce * nce + settings.weight_swap * swap
    stats = {"nce": nce.item(), "swap": swap.item(), "recall_at_1": found.item(), "logit_scale": scale.item()}
    if things is not None:
        names = retriever.encode_text(batch.names.states, batch.names.mask).float()
        named = names_loss(scale * embeds @ names.T, things)
        loss, stats["names"] = loss + settings.weight_names * named, named.item()
    return loss, stats


def names_loss(logits: torch.Tensor, things: torch.Tensor) -> torch.Tensor:
    """DPR's loss of bare names, both ways: a picture against all names, and its name against all pictures.

    The first reads what a picture shows, the second finds it in a gallery, whatever its size, place and colours.

    Args:
        logits: (P, T), of P pictures and the names of T things.
        things: (P,) long, what the pictures show. Pictures of one thing are no negatives of each other.
    """
    by_name = logits[:, things].T  # row i: all pictures, for the name of what picture i shows
    return (F.cross_entropy(logits, things) + info_nce(by_name, things[:, None] == things[None])) / 2


def in_betweens(
    codes: dict[str, torch.Tensor], count: int, rng: np.random.Generator
) -> dict[str, torch.Tensor]:
    """Codes of `count` pictures that nobody has drawn: half-way between two things, or a thing in another's style.

    Args:
        codes: (N, K, width) by part, as of `Generator.decided`; N >= 2.
    """
    first = next(iter(codes.values()))
    partner = (np.arange(count) + rng.integers(1, len(first), count)) % len(first)
    mixed = {name: code[:count] for name, code in codes.items()}
    share = torch.from_numpy(rng.random(count)).to(first)[:, None, None]
    main = next(iter(codes))  # "thing", or the one part of a generator without layers
    in_other_style = torch.from_numpy(rng.random(count) < 0.5).to(first.device)[:, None, None] & ("style" in codes)
    for name in {"design", "style"} & set(codes):
        mixed[name] = torch.where(in_other_style, codes[name][partner], mixed[name])
    between = torch.lerp(mixed[main], codes[main][partner], share)
    mixed[main] = torch.where(in_other_style, mixed[main], between)
    return mixed
