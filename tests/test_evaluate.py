"""SceneEval, the free suite and retrieval: figures against brute force, and a pipeline that never errs."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_dpr.checkpoint import Models
from gan_dpr.evaluation import free as free_module
from gan_dpr.evaluation import unseen as unseen_module
from gan_dpr.evaluation.judge import SceneJudge
from gan_dpr.evaluation.retrieval import first_right_rank, matches, name_rows
from gan_dpr.evaluation.scenes import agreement, scene_sets, shuffled
from gan_dpr.evaluation.statistics import bootstrap_ci, rounded
from gan_dpr.evaluation.suites import evaluate, figure
from gan_dpr.evaluation.tables import table
from gan_dpr.pipeline import GanDprPipeline
from gan_dpr.presets import preset
from gan_dpr.worlds import open_world
from gan_dpr.worlds.emoji.attributes import ATTRIBUTES
from gan_dpr.worlds.emoji.captions import canonical_caption
from gan_dpr.worlds.emoji.concepts import CONCEPTS
from gan_dpr.worlds.emoji.korean import is_korean
from gan_dpr.worlds.emoji.render import render
from gan_dpr.worlds.emoji.scene import Scene, SceneObject
from gan_dpr.worlds.emoji.world import EmojiWorld
from gan_dpr.worlds.naming import Naming, vectors_of_names
from gan_dpr.worlds.pictures.world import CaptionsWorld
from gan_dpr.worlds.protocol import satisfies

CORE32 = {"world": {"kind": "emoji"} | preset("emoji-64-core32").world}
WORLD = open_world(CORE32["world"])
COLUMNS = tuple(name for name in ATTRIBUTES if name != "style")  # what every test caption says
SPLITS = ("orientation", "tint", "background", "rendering", "drawing")


@pytest.fixture(scope="module")
def judge() -> SceneJudge:
    return SceneJudge.load()


class Oracle:
    """Draws the real render of every test caption, and embeds texts and pictures by what they say."""

    name, image_size, device, world, scale = "oracle", 64, torch.device("cpu"), WORLD, 20.0

    def __init__(self):
        captions = [caption for part in scene_sets(WORLD)[0] for caption in part.captions]
        self.scenes = {caption.text: caption.scene for caption in captions}
        elephant = SceneObject("elephant", "noto", "upside-down", size="large")
        self.scenes["an upside-down elephant"] = Scene((elephant,), "green")
        self.candidates = set()
        captions += [caption for split in ("iid", *SPLITS) for caption in WORLD.drawings().plain_captions(split)]
        shown = [Scene.from_dict(entry["scene"]) for entry in WORLD.gallery()]
        captions += [canonical_caption(scene, style=True) for scene in shown]
        self.named = {text: scene for scene in shown for text in WORLD.names()[scene.object.concept]}
        self.pictures = {render(caption.scene).tobytes(): caption for caption in captions}
        self.vocabulary = {}

    def __call__(self, prompt, num_images_per_prompt=1, generator=None, best_of=1):
        self.candidates.add(best_of)
        texts = [prompt] if isinstance(prompt, str) else prompt
        images = [
            Image.fromarray(render((self.scenes | self.named)[text]))
            for text in texts
            for _ in range(num_images_per_prompt)
        ]
        return SimpleNamespace(images=images)

    def _embed(self, captions) -> np.ndarray:
        vectors = np.zeros((len(captions), 256), np.float32)
        for vector, (scene, said) in zip(vectors, captions, strict=True):
            for name in said:
                key = (name, scene.attribute(name))
                vector[self.vocabulary.setdefault(key, len(self.vocabulary))] = len(said) ** -0.5
        return vectors

    def _understood(self, text):
        text = WORLD.understood(text) if is_korean(text) else text
        if text in self.named:
            return self.named[text], ("concept",)
        if text not in self.scenes:
            return None, ()
        return self.scenes[text], (*COLUMNS, *(["style"] if text.endswith(" style") else []))

    @property
    def name_vectors(self):
        return vectors_of_names(WORLD.names(), self.encode_text)

    @property
    def describer(self):
        naming = Naming(WORLD.names(), self.name_vectors, self.scale)
        return SimpleNamespace(probabilities=lambda pictures: naming.probabilities(self.encode_image(pictures)))

    def encode_text(self, texts):
        return self._embed([self._understood(text) for text in texts])

    def encode_image(self, images):
        shown = [self.pictures[image.tobytes()] for image in images]
        return self._embed([(caption.scene, caption.mentioned) for caption in shown])


@pytest.fixture(scope="module")
def tiny(pipe) -> GanDprPipeline:
    """The random 32 px checkpoint, said to be trained on core32's world."""
    return GanDprPipeline(
        Models(pipe.generator, pipe.retriever, pipe.text_tower, pipe.config | CORE32), "tiny"
    )


def test_the_interval_is_that_of_a_plain_bootstrap():
    values = np.random.default_rng(3).random(40)
    rng = np.random.default_rng(0)
    chosen = rng.integers(40, size=(2000, 40))
    means = sorted(values[row].mean() for row in chosen)
    low, high = bootstrap_ci(values)
    assert low == pytest.approx(means[49] + 0.975 * (means[50] - means[49]))
    assert high == pytest.approx(means[1949] + 0.025 * (means[1950] - means[1949]))
    assert bootstrap_ci(np.ones(5)) == (1, 1)
    with pytest.raises(ValueError, match="one value a scene"):
        bootstrap_ci(np.array([]))


def test_ranks_against_brute_force():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (30, 12)).astype(np.float32)  # few values, so many ties
    right = rng.random((30, 12)) < 0.2
    right[:, 3] = True
    for row, ok, rank in zip(scores, right, first_right_rank(scores, right), strict=True):
        # Sorted best first, wrong answers before right ones of the same score.
        order = sorted(range(12), key=lambda i: (-row[i], ok[i]))
        assert rank == 1 + next(place for place, i in enumerate(order) if ok[i])
    assert first_right_rank(np.zeros((1, 4)), np.array([[False, True, False, False]])) == [4]
    with pytest.raises(ValueError, match="at least one right answer"):
        first_right_rank(scores, np.zeros_like(right))


def test_a_picture_that_satisfies_the_caption_is_right():
    noto, flat = (Scene((SceneObject("cat", style),)) for style in ("noto", "fluent-3d"))
    black = Scene((SceneObject("cat", "noto"),), "black")
    captions = [canonical_caption(scene) for scene in (noto, flat, black)]
    assert matches(WORLD, captions).tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_agreement_is_by_attribute_and_all():
    scenes = [Scene((SceneObject("cat", "noto", size="small", position=(0, 2)),), "blue")]
    words = {
        "concept": ["cat", "dog"], "orientation": ["upright", "upright"], "tint": ["none", "none"],
        "size": ["small", "small"], "position": ["at the top right", "at the top"],
        "background": ["blue", "blue"], "style": ["noto", "twemoji"],
    }  # fmt: skip
    right = agreement(
        WORLD, {k: np.array(v, dtype=object) for k, v in words.items()}, [canonical_caption(scenes[0])]
    )
    assert {name: values.tolist() for name, values in right.items()} == {
        "concept": [[True, False]], "orientation": [[True, True]], "tint": [[True, True]],
        "size": [[True, True]],
        "position": [[True, False]], "background": [[True, True]], "all": [[True, False]],
    }  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 100])
def test_shuffling_leaves_no_caption_in_its_place(n):
    captions = list(range(n))
    moved = shuffled(captions)
    assert sorted(moved) == captions
    assert all(here != there for here, there in zip(captions, moved, strict=True))


def test_a_perfect_pipeline_reaches_the_ceiling(judge):
    oracle = Oracle()
    lines = []
    figures = evaluate(oracle, "scenes", seeds=2, limit=20, best_of=3, progress=lines.append, judge=judge)
    assert json.loads(json.dumps(figures)) == figures
    assert [(r["split"], r["attribute"], r["n"]) for r in figures["rows"]] == [
        ("iid", None, 20), *(("heldout", split, 20) for split in SPLITS)
    ]  # fmt: skip
    names = ["ceiling", "best_of_3", "nearest_training_caption", "shuffled_captions"]
    assert list(figures["baselines"]) == names
    assert oracle.candidates == {1, 3}
    # Every drawing of the oracle is the same, so the best of three is as good as the first.
    for row, best in zip(figures["rows"], figures["baselines"]["best_of_3"], strict=True):
        assert best == {name: value for name, value in row.items() if name != "of_ceiling"}
    assert figures["showpiece"] == {"prompt": "an upside-down elephant", "pictures": 16, "right": 16}
    assert '"an upside-down elephant": 16 of 16 pictures.' in lines[-1]
    for row, best, lost in zip(
        figures["rows"],
        figures["baselines"]["ceiling"],
        figures["baselines"]["shuffled_captions"],
        strict=True,
    ):
        assert (row["pictures"], best["pictures"]) == (40, 20)
        says_style = row["attribute"] in ("rendering", "drawing")
        for name in (*(ATTRIBUTES if says_style else COLUMNS), "all"):
            # Two scenes of one caption may differ in style, which makes one of them harder to read.
            assert row[name] == pytest.approx(best[name], abs=0.1)
            assert row["of_ceiling"][name] == pytest.approx(row[name] / best[name], abs=1e-4)
        assert row["size"] == row["position"] == row["background"] == 1
        assert row["concept"] >= 0.9
        assert row["all_ci"][0] <= row["all"] <= row["all_ci"][1]
        assert ("style" in row) == says_style
        assert lost["all"] <= 0.05
    assert "orientation_ci" in figures["rows"][1]
    text = lines[-1].splitlines()
    assert text == table(figures).splitlines()
    assert text[2].startswith("| ceiling | iid |")
    assert text[-3].startswith("| shuffled captions | heldout drawing |")


def test_a_perfect_retriever_finds_everything():
    found = evaluate(Oracle(), "retrieval")
    captions, names = found["rows"][:6], found["rows"][6:]
    assert [(r["attribute"], r["direction"], r["n"]) for r in captions] == [
        (gallery, direction, n)
        for gallery, n in ((None, 300), ("orientation, tint, background", 300), ("rendering, drawing", 200))
        for direction in ("text_to_image", "image_to_text")
    ]
    assert [(r["split"], r["attribute"], r["direction"], r["n"]) for r in names] == [
        ("bare name", None, "text_to_image", 32),
        ("bare Korean name", None, "text_to_image", 32),
        *(
            (f"{split}{way}", attribute, "image_to_text", n)
            for split, attribute, n in (
                ("real drawing", None, 56), ("real drawing", "rendering, drawing", 8), ("real scene", None, 300),
                ("drawn picture", None, 128),
            )
            for way in ("", ", names alone")
        ),
    ]  # fmt: skip
    for row in found["rows"]:
        assert row["recall_at_1"] == row["recall_at_5"] == row["recall_at_10"] == row["mrr"] == 1
    assert found["baselines"] == {}


def test_all_suites_on_a_random_model(tiny, judge, monkeypatch):
    monkeypatch.setattr(free_module, "load_features", lambda: None)
    monkeypatch.setattr(unseen_module, "load_features", lambda: None)
    first = evaluate(tiny, "all", seeds=2, limit=3, judge=judge)
    assert json.loads(json.dumps(first)) == first
    assert first == evaluate(tiny, "all", seeds=2, limit=3, judge=judge)
    assert (first["suite"], first["checkpoint"]) == ("all", "tiny")
    assert [(row["suite"], row["attribute"] or row["split"]) for row in first["rows"]] == [
        *(("scenes", name) for name in ("iid", *SPLITS)),
        ("free", "free"),
        *(("retrieval", name) for name in ("iid", "orientation, tint, background", "rendering, drawing") for _ in "12"),
        *(("retrieval", name) for name in ("bare name", "bare Korean name")),
        *(
            ("retrieval", name if name == "rendering, drawing" else f"{name}{way}")
            for name in ("real drawing", "rendering, drawing", "real scene", "drawn picture")
            for way in ("", ", names alone")
        ),
        *(("fidelity", name) for name in ("iid", *SPLITS)),
        *(("unseen", name) for name in ("rendering", "drawing", "mixes")),
        *(("words", whose + name) for whose, name in (
            ("", "own words"), ("", "usual words"), ("", "unusual words"),
            ("strangers' ", "words"), ("strangers' ", "usual words"), ("strangers' ", "unusual words"),
        )),
        *(("korean", name) for name in ("Korean", "English", "Korean as English")),
    ]
    free = first["rows"][6]
    assert (free["n"], free["pictures"]) == (3, 48)
    assert {"concept", "orientation", "tint", "background", "all"} <= set(free)
    assert not {"size", "position", "style", "kid"} & set(free)
    assert free["diversity"]["features"] == "judge"
    assert 1 <= free["diversity"]["distinct"]["size"]["real"] <= 3
    # Real variants lie about as near to other real renders as each other: 1% are below their own percentile.
    assert 0 <= free["memorisation"]["drawn_nearer_than_real_p1"] <= 1
    assert set(free["nearest"]) == {"l1", "thumbnail", "sharpness"}
    assert sum("efficientnet" in line for line in first["remarks"]) == 1
    ceilings = [row["suite"] for row in first["baselines"]["ceiling"]]
    assert ceilings == ["scenes"] * 6 + ["free"] + ["unseen"] * 2 + ["words"] * 6


def test_the_same_captions_come_first_under_a_limit():
    whole, few = (scene_sets(WORLD, limit)[0] for limit in (None, 5))
    assert [len(part.texts) for part in whole] == [300, 100, 100, 100, 100, 100]
    for part, start in zip(whole, few, strict=True):
        assert part.texts[:5] == start.texts


def test_a_world_without_held_out_pairs_says_so():
    only = {"concept": ["cat"], "style": ["noto"], "orientation": ["upright"], "tint": ["none"]}
    only["background"] = ["white"]
    sets, missing = scene_sets(EmojiWorld(only), 5)
    assert [part.split for part in sets] == ["iid"]
    assert [line.split(":")[0] for line in missing] == [f"no heldout row for {name}" for name in SPLITS]


def test_a_class_conditional_model_is_told_less_and_judged_on_all():
    (part, *_), _ = scene_sets(EmojiWorld(caption_mode="concept"), 5)
    for caption, text in zip(part.captions, part.texts, strict=True):
        assert text.removeprefix("an ").removeprefix("a ") == CONCEPTS[caption.scene.object.concept].name
        assert "background" in caption.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"suite": "scene"}, "Unknown suite 'scene': choose one of scenes, free, .*, unseen, words, korean, all"),
        ({"seeds": 0}, "seeds, best_of and limit must be at least 1"),
        ({"limit": 0}, "seeds, best_of and limit must be at least 1"),
        ({"best_of": 0}, "seeds, best_of and limit must be at least 1"),
    ],
)
def test_bad_arguments_are_one_line(tiny, arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate(tiny, **arguments)


def test_what_can_be_said_of_a_model_of_other_pictures(pipe):
    config = {"world": {"kind": "pictures", "captions": ["a house by the sea"]}}
    other = GanDprPipeline(Models(pipe.generator, pipe.retriever, pipe.text_tower, pipe.config | config), "mine")
    assert isinstance(other.world, CaptionsWorld)
    for suite in ("scenes", "free", "unseen", "all"):
        with pytest.raises(ValueError, match=r"its world \(pictures\) has no judge"):
            evaluate(other, suite)
    with pytest.raises(ValueError, match="holds nothing out"):
        figure(other)
    found = evaluate(other, "fidelity")
    assert found["rows"] == []
    assert found["remarks"] == [
        "no fidelity rows: which picture is the right one for a caption is not known in this world"
    ]


def test_the_judge_is_loaded_once(tiny, monkeypatch):
    loaded = []
    read = SceneJudge.load
    monkeypatch.setattr(SceneJudge, "load", lambda: loaded.append(1) or read())
    evaluate(tiny, "all", seeds=1, limit=1)
    assert loaded == [1]
    evaluate(tiny, "retrieval", limit=1)
    figure(tiny, n=1)
    assert loaded == [1]


def test_alternatives_satisfy_the_short_caption():
    rng = np.random.default_rng(0)
    for caption in WORLD.short_captions(10, 0):
        assert caption.mentioned == {"concept", "orientation", "tint", "background"}
        others = WORLD.alternatives(caption, 12, rng)
        assert all(satisfies(WORLD, scene, caption) for scene in others)
        assert len(set(others)) > 4
        assert {scene.object.style for scene in others} <= set(WORLD.allowed("style"))


def test_figure_shows_real_and_drawn_side_by_side():
    sheet = np.asarray(figure(Oracle(), n=6, columns=3))
    assert sheet.shape == (2 * 66 - 2, 6 * 66 - 2, 3)
    for row in (0, 66):
        for column in (0, 132, 264):  # the oracle draws exactly the real render
            left = sheet[row : row + 64, column : column + 64]
            assert np.array_equal(left, sheet[row : row + 64, column + 66 : column + 130])


def test_what_bare_names_find_is_counted():
    """An oracle that takes one of 32 things for another: of its drawings, of those drawn for it, and of its name."""

    class Confused(Oracle):
        def _understood(self, text):
            scene, said = super()._understood(text)
            if scene is not None and scene.object.concept == "cat" and said == ("concept",):
                scene = scene.with_attribute("concept", "dog")
            return scene, said

    rows = {row["split"]: row for row in name_rows(Confused(), WORLD) if row["attribute"] is None}
    assert rows["bare name"]["recall_at_1"] == rows["bare Korean name"]["recall_at_1"] == rounded(31 / 32)
    assert rows["drawn picture"]["n"] == 4 * 32
    # A cat's picture is as far from its name as from others'. A dog's is as near to a cat's name as to a dog's,
    # and wrong answers of the same score go first.
    assert rows["drawn picture"]["recall_at_1"] == rounded(30 / 32)
    few = name_rows(Oracle(), WORLD, limit=3)
    assert [row["n"] for row in few] == [3, 3, 3, 3, few[4]["n"], few[4]["n"], 3, 3, 12, 12]
    assert all(row["recall_at_1"] == 1 for row in few)
    assert name_rows(Oracle(), CaptionsWorld(["my door"])) == []
