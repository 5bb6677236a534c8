"""The pipeline on a tiny checkpoint: seeds, embeddings, searches, what it knows of its world."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_trainer

from gan_dpr.checkpoint import Models
from gan_dpr.gallery import save_vectors
from gan_dpr.index import DenseIndex
from gan_dpr.pipeline import CANDIDATE_STRIDE, GanDprPipeline
from gan_dpr.worlds.emoji.prompts import read_prompt
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.scene import Scene, SceneObject

PROMPT = "an upside-down elephant"


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def arrays(images: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(image) for image in images]).astype(int)


def test_pictures_scores_and_seeds(pipe: GanDprPipeline) -> None:
    out = pipe([PROMPT, "a cat"], num_images_per_prompt=3, generator=seeded(10))
    assert [(image.size, image.mode) for image in out.images] == [((32, 32), "RGB")] * 6
    assert out.seeds == [10, 11, 12, 13, 14, 15]
    vectors = pipe.encode_text([PROMPT, "a cat"]).repeat(3, axis=0)
    # The score was taken before rounding to bytes.
    np.testing.assert_allclose(out.scores, (vectors * pipe.encode_image(out.images)).sum(1), atol=0.02)


def test_every_image_can_be_redrawn_from_its_seed(pipe: GanDprPipeline) -> None:
    out = pipe([PROMPT, "a cat"], num_images_per_prompt=2, generator=seeded(4))
    for prompt, image, seed in zip([PROMPT, PROMPT, "a cat", "a cat"], out.images, out.seeds, strict=True):
        again = pipe(prompt, generator=seeded(seed)).images
        assert np.abs(arrays(again) - arrays([image])).max() <= 1


def test_a_generator_moves_on(pipe: GanDprPipeline) -> None:
    generator = seeded(7)
    first, second = pipe(PROMPT, generator=generator), pipe(PROMPT, generator=generator)
    assert first.seeds == [7]
    assert second.seeds != [7]
    generator = seeded(7)
    assert [pipe(PROMPT, generator=generator).seeds for _ in range(2)] == [first.seeds, second.seeds]
    assert pipe(PROMPT).seeds != pipe(PROMPT).seeds


def test_nothing_is_seeded_globally(pipe: GanDprPipeline) -> None:
    before = torch.get_rng_state()
    pipe(PROMPT, generator=seeded(0))
    pipe(PROMPT)
    assert torch.equal(torch.get_rng_state(), before)


def test_truncation_scales_the_noise(pipe: GanDprPipeline) -> None:
    still = arrays(pipe(PROMPT, 2, generator=seeded(0), truncation=0.0).images)
    np.testing.assert_array_equal(still[0], still[1])
    noise = torch.randn(1, 8, generator=seeded(3))
    drawn = pipe(PROMPT, latents=noise / 2).images
    np.testing.assert_array_equal(arrays(pipe(PROMPT, latents=noise, truncation=0.5).images), arrays(drawn))


def test_best_of_keeps_the_best_candidate(pipe: GanDprPipeline) -> None:
    out = pipe([PROMPT, "a cat"], num_images_per_prompt=2, generator=seeded(20), best_of=5)
    for k, (score, seed) in enumerate(zip(out.scores, out.seeds, strict=True)):
        candidates = [20 + k + j * CANDIDATE_STRIDE for j in range(5)]
        scores = [pipe((PROMPT, "a cat")[k // 2], generator=seeded(c)).scores[0] for c in candidates]
        assert seed == candidates[int(np.argmax(scores))]
        assert score == pytest.approx(max(scores), abs=1e-5)


def test_many_images_take_several_passes(pipe: GanDprPipeline) -> None:
    out = pipe(PROMPT, 70, generator=seeded(0))
    assert out.seeds == list(range(70))
    assert out.scores[69] == pytest.approx(pipe(PROMPT, generator=seeded(69)).scores[0], abs=1e-5)
    assert len(pipe(PROMPT, 3, generator=seeded(0), best_of=40).images) == 3


def test_many_candidates_take_several_passes(pipe: GanDprPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed
    whole = pipe("a cat", best_of=10, generator=generator(0))
    for module in ("drawing", "searching"):
        monkeypatch.setattr(f"gan_dpr.pipeline.{module}.BATCH", 4)
    parts = pipe("a cat", best_of=10, generator=generator(0))
    assert parts.seeds == whole.seeds
    assert parts.scores == pytest.approx(whole.scores, abs=1e-5)


def test_latents_stand_in_for_seeds(pipe: GanDprPipeline) -> None:
    noise = torch.stack([torch.randn(8, generator=seeded(s)) for s in (5, 6)])
    out = pipe(PROMPT, 2, latents=noise)
    assert out.seeds == [None, None]
    np.testing.assert_array_equal(arrays(out.images), arrays(pipe(PROMPT, 2, generator=seeded(5)).images))


def test_output_types(pipe: GanDprPipeline) -> None:
    pil = arrays(pipe(PROMPT, 2, generator=seeded(0)).images)
    as_array = pipe(PROMPT, 2, generator=seeded(0), output_type="np").images
    tensor = pipe(PROMPT, 2, generator=seeded(0), output_type="pt").images
    assert (as_array.shape, as_array.dtype) == ((2, 32, 32, 3), np.float32)
    assert (tuple(tensor.shape), tensor.dtype) == ((2, 3, 32, 32), torch.float32)
    np.testing.assert_array_equal(as_array, tensor.permute(0, 2, 3, 1).numpy())
    assert np.abs(as_array * 255 - pil).max() < 0.501
    images, scores, seeds = pipe(PROMPT, generator=seeded(0), return_dict=False)
    assert (len(images), len(scores), seeds) == (1, 1, [0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": "  "}, "not blank"),
        ({"prompt": []}, "at least one prompt"),
        ({"prompt": ["a cat", 3]}, "not 3"),
        ({"num_images_per_prompt": 0}, "num_images_per_prompt must be at least 1"),
        ({"best_of": 0}, "best_of must be at least 1"),
        ({"truncation": -0.1}, "0 or more"),
        ({"truncation": float("nan")}, "0 or more"),
        ({"output_type": "jpeg"}, "pil, np or pt"),
        ({"latents": torch.zeros(1, 9)}, r"shape \(1, 8\), not \(1, 9\)"),
        ({"latents": torch.zeros(1, 8), "best_of": 2}, "leave best_of at 1"),
    ],
)
def test_bad_arguments(pipe: GanDprPipeline, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pipe(**({"prompt": PROMPT} | arguments))


def test_embeddings_are_unit_vectors(pipe: GanDprPipeline) -> None:
    for vectors in (pipe.encode_text([PROMPT, "a cat"]), pipe.encode_image(pipe(PROMPT, 2).images)):
        assert (vectors.shape, vectors.dtype) == ((2, 16), np.float32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_pictures_of_any_kind_are_read(pipe: GanDprPipeline) -> None:
    red = Image.new("RGB", (32, 32), "red")
    others = [
        Image.new("RGB", (90, 40), "red"),
        Image.new("RGBA", (64, 64), (255, 0, 0, 255)),
        np.array(red)[None],
    ]
    expected = pipe.encode_image([red])
    for other in others:
        given = other if isinstance(other, np.ndarray) else [other]
        np.testing.assert_allclose(pipe.encode_image(given), expected, atol=1e-5)
    clear = pipe.encode_image([Image.new("RGBA", (32, 32), (0, 0, 0, 0))])
    np.testing.assert_allclose(clear, pipe.encode_image([Image.new("RGB", (32, 32), "white")]), atol=1e-5)
    with pytest.raises(ValueError, match="at least one picture"):
        pipe.encode_image([])


@pytest.mark.parametrize("space", ["prompt", "noise", "both"])
def test_interpolation_starts_and_ends_at_the_prompts(pipe: GanDprPipeline, space: str) -> None:
    prompts = ["a cat", "a dog", "a frog"]
    shown = pipe.interpolate(prompts, steps=4, seed=3, space=space)
    assert len(shown) == 4 + 3
    for i, prompt in enumerate(prompts):
        direct = pipe(prompt, generator=seeded(3 if space == "prompt" else 3 + i)).images
        assert np.abs(arrays([shown[3 * i]]) - arrays(direct)).max() <= 1


def test_interpolation_of_one_space_leaves_the_other(pipe: GanDprPipeline) -> None:
    still = arrays(pipe.interpolate(["a cat", "a cat"], steps=5, space="prompt"))
    assert np.ptp(still, axis=0).max() <= 1
    walk = arrays(pipe.interpolate(["a cat", "a cat"], steps=5, space="noise"))
    assert np.ptp(walk, axis=0).max() > 1
    np.testing.assert_array_equal(walk, arrays(pipe.interpolate(["a cat", "a cat"], steps=5, space="both")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": ["a cat"]}, "at least two prompts"),
        ({"steps": 1}, "at least 2, not 1"),
        ({"space": "time"}, "prompt, noise or both"),
        ({"prompts": ["a cat", ""]}, "not blank"),
    ],
)
def test_bad_interpolation(pipe: GanDprPipeline, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pipe.interpolate(**({"prompts": ["a cat", "a dog"]} | arguments))


def test_retrieval_agrees_with_brute_force(pipe: GanDprPipeline) -> None:
    assert len(pipe.gallery) == 633
    sprites = [(m["concept"], m["style"]) for m in pipe.gallery.metadata]
    pictures = [render(Scene((SceneObject(*s, size="large"),), "white"), 32) for s in sprites]
    cosines = pipe.encode_image(np.stack(pictures)) @ pipe.encode_text(["a dog"])[0]
    best = np.argsort(-cosines)[:7]
    hits = pipe.retrieve(text="a dog", k=7)
    assert [hit.concept for hit in hits] == [sprites[i][0] for i in best]
    np.testing.assert_allclose([hit.score for hit in hits], cosines[best], atol=1e-5)
    np.testing.assert_array_equal(np.asarray(hits[0].image), pictures[best[0]])
    assert hits[0].path == f"sprites.parquet#{sprites[best[0]][1]}/{sprites[best[0]][0]}"


def test_a_picture_finds_itself(pipe: GanDprPipeline) -> None:
    elephant = Image.fromarray(render(Scene((SceneObject("elephant", "noto", size="large"),), "white"), 32))
    hit = pipe.retrieve(image=elephant, k=1)[0]
    assert (hit.concept, hit.path) == ("elephant", "sprites.parquet#noto/elephant")
    assert hit.score == pytest.approx(1, abs=1e-5)


def test_text_and_picture_are_averaged(pipe: GanDprPipeline) -> None:
    image = pipe(PROMPT, generator=seeded(0)).images[0]
    mean = pipe.encode_text(["a dog"])[0] + pipe.encode_image([image])[0]
    mean /= np.linalg.norm(mean)
    expected = pipe.gallery.search(mean[None], 3)[0]
    np.testing.assert_allclose(
        [h.score for h in pipe.retrieve("a dog", image, k=3)], [s for s, _ in expected], atol=1e-5
    )


def test_bad_searches(pipe: GanDprPipeline) -> None:
    with pytest.raises(ValueError, match="Give a text or a picture"):
        pipe.retrieve()
    with pytest.raises(ValueError, match="at least 1, not 0"):
        pipe.retrieve("a dog", k=0)
    with pytest.raises(ValueError, match="made with another checkpoint"):
        pipe.retrieve("a dog", index=DenseIndex(16, encoder="others"))


def test_captions_for_a_picture(pipe: GanDprPipeline) -> None:
    image = pipe(PROMPT, generator=seeded(0)).images[0]
    found = pipe.captions_for(image, k=6)
    scores, captions = zip(*found, strict=True)
    assert len(set(captions)) == 6
    assert list(scores) == sorted(scores, reverse=True)
    assert len({read_prompt(caption)["concept"] for caption in captions}) == 6
    probabilities = pipe.describer.probabilities(np.asarray(image)[None])[0]
    np.testing.assert_allclose(scores, sorted(probabilities, reverse=True)[:6], atol=1e-5)
    assert read_prompt(captions[0])["concept"] == list(pipe.world.names())[probabilities.argmax()]
    with pytest.raises(ValueError, match="at least 1, not 0"):
        pipe.captions_for(image, k=0)


@pytest.mark.parametrize("name", ["index.faiss", "metadata.jsonl", "config.json", "vectors.safetensors"])
def test_a_damaged_gallery_is_one_sentence(pipe: GanDprPipeline, tiny_checkpoint: Path, tmp_path: Path, name: str):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    pipe.gallery.save(folder / "gallery")
    save_vectors(folder / "gallery", {"places": np.zeros((len(pipe.gallery), 2))}, pipe.encoder_id)
    whole = GanDprPipeline.from_pretrained(folder, device="cpu")
    whole.read_stored()
    assert whole.places.shape == (len(pipe.gallery), 2)
    damaged = folder / "gallery" / name
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    with pytest.raises(ValueError, match=re.escape(str(folder / "gallery"))) as error:
        GanDprPipeline.from_pretrained(folder, device="cpu").read_stored()
    assert "\n" not in str(error.value)


def test_realness_is_the_discriminators_of_each_picture(tiny_checkpoint) -> None:
    own = GanDprPipeline.from_pretrained(tiny_checkpoint, device="cpu")
    torch.nn.init.constant_(own.retriever.texture.weight, 0.5)  # else everything is as real as everything else
    images = np.random.default_rng(0).integers(256, size=(70, 32, 32, 3), dtype=np.uint8)  # more than one batch
    found = own.realness(images)
    with torch.inference_mode():
        wanted = own.retriever.read_image(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1).realness
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.ptp(found) > 1e-3
    np.testing.assert_allclose(own.realness(Image.fromarray(images[5])), found[5:6], atol=1e-5)
    with pytest.raises(ValueError, match="at least one picture"):
        own.realness([])


def test_saved_and_loaded_draws_the_same(pipe: GanDprPipeline, tmp_path) -> None:
    pipe.save_pretrained(tmp_path / "copy")
    again = GanDprPipeline.from_pretrained(tmp_path / "copy", device="cpu")
    assert (again.name, again.encoder_id) == ("copy", pipe.encoder_id)
    first, second = (p(PROMPT, 2, generator=seeded(1)) for p in (pipe, again))
    np.testing.assert_array_equal(arrays(first.images), arrays(second.images))
    assert first.scores == second.scores


def test_loading_says_what_is_wrong(tmp_path, tiny_checkpoint) -> None:
    with pytest.raises(FileNotFoundError, match="No checkpoint at"):
        GanDprPipeline.from_pretrained(tmp_path / "nothing")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="choose cpu or auto"):
            GanDprPipeline.from_pretrained(tiny_checkpoint, device="cuda")


def test_prompt_arithmetic_is_a_sum_of_conditions(pipe: GanDprPipeline) -> None:
    a, b = "a red cat", "a cat"
    drawn = pipe(a, 2, generator=seeded(5)).images
    for prompts, weights in (([a], [1.0]), ([a, b, b], [1.0, -1.0, 1.0]), ([a, a], [0.5, 0.5])):
        assert np.abs(arrays(pipe.combine(prompts, weights, 2, seed=5)) - arrays(drawn)).max() <= 1
    assert np.abs(arrays(pipe.combine([a, b], [2.0, -1.0], 2, seed=5)) - arrays(drawn)).max() > 1
    with pytest.raises(ValueError, match="2 prompts came with 1 weights"):
        pipe.combine([a, b], [1.0])


def test_interpolation_with_seeds_of_one_s_own_along_a_line_or_an_arc(pipe: GanDprPipeline):
    prompts = ["a cat", "a cat", "a cat"]
    line = pipe.interpolate(prompts, steps=3, seed=[4, 9, 4], space="noise", path="lerp")
    arc = pipe.interpolate(prompts, steps=3, seed=[4, 9, 4], space="noise", path="slerp")
    assert len(line) == len(arc) == 5
    line, arc = arrays(line), arrays(arc)
    for film in (line, arc):
        assert np.abs(film[0] - film[4]).max() <= 1
    assert np.abs(line[2] - arc[2]).max() <= 1  # at a key there is no difference
    assert np.abs(line[1] - arc[1]).max() > 1
    with pytest.raises(ValueError, match="3 prompts came with 2 seeds"):
        pipe.interpolate(prompts, seed=[1, 2])
    with pytest.raises(ValueError, match="path is lerp, slerp or None, not 'arc'"):
        pipe.interpolate(prompts, path="arc")


def with_world(pipe: GanDprPipeline, world: dict) -> GanDprPipeline:
    """The same weights, said to be of another world."""
    return GanDprPipeline(Models(pipe.generator, pipe.retriever, pipe.text_tower, pipe.config | {"world": world}), "x")


def test_a_thing_that_the_model_never_saw_is_named(pipe: GanDprPipeline) -> None:
    only = {"concept": ["cat", "house", "robot"], "style": ["noto"]}
    knowing = with_world(pipe, {"kind": "emoji", "only": only})
    assert knowing.world.concepts == ("cat", "house", "robot")
    assert knowing.unknown_thing("a large red cat on a blue background") is None
    assert knowing.unknown_thing("a large red submarine on a blue background in flat style") == "submarine"
    assert knowing.unknown_thing("an upside-down elephant") == "elephant"
    text = knowing.text_tower.encode(["cat", "house", "robot", "submarine"])
    means = torch.stack([states[mask].mean(0) for states, mask in zip(text.states, text.mask, strict=True)])
    order = torch.cosine_similarity(means[:3], means[3:]).argsort(descending=True).tolist()
    assert knowing.nearest_things("submarine", k=2) == [("cat", "house", "robot")[i] for i in order[:2]]


def test_a_model_of_own_pictures_knows_its_captions_and_no_emoji(pipe: GanDprPipeline) -> None:
    captions = ["my red door", "my blue door", "a bridge at night"]
    own = with_world(pipe, {"kind": "pictures", "captions": captions})
    assert own.guide is None
    assert own.unknown_thing("a submarine") is None
    assert own.nearest_things("submarine") == []
    image = own("my red door", generator=seeded(0)).images[0]
    cosines = own.encode_text(captions) @ own.encode_image([image])[0]
    order = np.argsort(-cosines)
    shares = np.exp(own.scale * cosines)
    found = own.captions_for(image, k=5)
    assert [caption for _, caption in found] == [captions[i] for i in order]
    np.testing.assert_allclose([score for score, _ in found], (shares / shares.sum())[order], atol=1e-5)
    with pytest.raises(ValueError, match="^This model has no gallery of its own: index a folder of pictures"):
        own.retrieve("a door")
    assert with_world(pipe, {"kind": "pictures"}).captions_for(image) == []


def test_a_checkpoint_of_no_known_world_is_one_sentence(pipe: GanDprPipeline, tiny_checkpoint, tmp_path) -> None:
    with pytest.raises(ValueError, match="^There is no world 'toy': this version has emoji and pictures.$"):
        with_world(pipe, {"kind": "toy"})
    shutil.copytree(tiny_checkpoint, tmp_path / "old")
    config = json.loads((tiny_checkpoint / "config.json").read_text())
    del config["world"]
    (tmp_path / "old" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="does not say which world its model is of"):
        GanDprPipeline.from_pretrained(tmp_path / "old", device="cpu")


def test_a_checkpoint_of_an_older_version_is_one_sentence(tiny_checkpoint, tmp_path) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "old")
    config = json.loads((tiny_checkpoint / "config.json").read_text())
    config["generator"]["sharpness"] = 6
    (tmp_path / "old" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"does not know \(sharpness\): use the version of gan_dpr that wrote them.$"):
        GanDprPipeline.from_pretrained(tmp_path / "old", device="cpu")


@pytest.mark.parametrize("objects", [1, 2])
def test_a_layered_model_draws_alike_in_every_way(text_tower, tmp_path, objects) -> None:
    """Conditions and noise of any number of objects go through drawing, interpolation and arithmetic."""
    trainer = tiny_trainer(text_tower, "emoji-64", "image_size=32", f"generator.objects={objects}")
    trainer.save_checkpoint(tmp_path)
    layered = GanDprPipeline.from_pretrained(tmp_path, device="cpu")
    assert layered.generator.latent_dim == 8 * objects + 4
    drawn = arrays(layered(["a cat", "a dog"], generator=seeded(3)).images)
    film = arrays(layered.interpolate(["a cat", "a dog"], steps=3, seed=[3, 4], space="both"))
    assert film.shape == (3, 32, 32, 3)
    assert np.abs(film[[0, 2]] - drawn).max() <= 1
    # As few at once: what lies half-way between two known places depends on the last digit.
    alone = arrays(layered("a cat", generator=seeded(3)).images)
    assert np.abs(arrays(layered.combine(["a cat", "a dog"], [1.0, 0.0], seed=3)) - alone).max() <= 1
    assert layered.world.kind == "emoji"
