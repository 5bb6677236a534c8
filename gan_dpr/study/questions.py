"""The questions themselves, as data."""

import json

from .plan import Arm, Question, Stage

# Eighteen things of which both drawings are trained on, and six of which one is held out.
CONCEPTS = (
    "elephant", "cat", "dog", "lion", "penguin", "owl", "turtle", "octopus", "butterfly", "sunflower", "cactus",
    "mushroom", "strawberry", "hamburger", "automobile", "crown", "house", "robot",
    "panda", "frog", "fish", "pineapple", "sailboat", "umbrella",
)  # fmt: skip
# Two renderings of one design: who knows the one can tell what the other looks like. Every turn, tint and background,
# of which pairs with a thing are held out; large, since a small thing has twelve pixels at this size.
ONLY = {"concept": CONCEPTS, "style": ("fluent-flat", "fluent-3d"), "size": ("large",)}
# On top of each arm's preset: one world, and networks that can hold it.
COMMON = (
    f"world.only={json.dumps(ONLY)}",
    "training.pool_size=1024", "training.pool_reuse=256",
)  # fmt: skip
WIDE = ("generator.hidden_dim=384",)

RECONSTRUCT, CONTEND = Stage("reconstruct"), Stage("contend")

ADVERSARY = Question(
    "adversary", None,
    "What does the adversary do?",
    "From one reconstructed state, what do the same seconds give with and without an adversary? The reconstruction "
    "goes on alone; or the generator also contends with a discriminator that judges realness and reads no text (its "
    "scale of similarity is 0); or with the whole retriever; or with the whole retriever and a distance of its "
    "features to those of the right picture. All of them go on reconstructing.",
    "Small pictures, a small world and minutes of training: where a reconstruction has converged there is more left "
    "for an adversary than here, and where captions leave more open there is more that only it can teach.",
    (
        Arm("the state that all go on with", WIDE, stages=(RECONSTRUCT,), share=0.75),
        Arm("reconstruction alone", WIDE, stages=(RECONSTRUCT,), start="the state that all go on with"),
        Arm(
            "+ realness without text",
            (*WIDE, "retriever.max_scale=0", "weight_nce=0", "weight_swap=0", "weight_nce_text=0",
             "weight_nce_image=0", "weight_feature=0"),
            stages=(CONTEND,), start="the state that all go on with",
        ),
        Arm("+ the whole retriever", (*WIDE, "weight_feature=0"), stages=(CONTEND,),
            start="the state that all go on with"),
        Arm("+ its feature distance", (*WIDE, "weight_feature=30"), stages=(CONTEND,),
            start="the state that all go on with"),
    ),
    baseline="reconstruction alone",
    seconds=120.0,
    measures=("kid", "l1", "l1_held_out", "sharpness", "precision", "recall", "coverage", "diversity", "l1_unseen",
              "nearer", "kid_mixes", "smoothness", "recall_at_1", "right"),
    suites=("fidelity", "free", "unseen", "retrieval"),
)  # fmt: skip

PLAIN = "as it is"
CANVAS = Question(
    "canvas", None,
    "What makes the canvas and the retriever hold detail?",
    "The recipe with one thing taken out at a time: whitened token states; a head that makes the largest map at once "
    "(a smaller one of as many numbers, and one more block, in its place); the contrast of codes; realness place by "
    "place; noise that is fitted among sixteen.",
    "More seconds: what only speeds learning up is overtaken in the end. A larger picture asks more of a head.",
    (
        Arm(PLAIN, WIDE),
        Arm("token states not whitened", (*WIDE, "whiten=false")),
        Arm("head of 8 x 8 x 32 and two blocks", (*WIDE, "generator.base_size=8", "generator.head_channels=32")),
        Arm("no contrast of codes", (*WIDE, "weight_agreement=0")),
        Arm("no realness by place", (*WIDE, "weight_places=0")),
        Arm("noise not fitted", (*WIDE, "noise_candidates=1")),
    ),
    baseline=PLAIN,
    seconds=75.0,
    measures=("l1", "l1_held_out", "named", "sharpness", "kid", "precision", "recall", "diversity", "right"),
)  # fmt: skip

QUESTIONS = (ADVERSARY, CANVAS)
