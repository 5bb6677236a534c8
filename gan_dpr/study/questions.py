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

RECONSTRUCTING, CONTENDING = (Stage("reconstruct"),), (Stage("contend"),)

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
        Arm("the state that all go on with", WIDE, stages=RECONSTRUCTING, share=0.75),
        Arm("reconstruction alone", WIDE, stages=RECONSTRUCTING, start="the state that all go on with"),
        Arm(
            "+ realness without text",
            (*WIDE, "retriever.max_scale=0", "weight_nce=0", "weight_swap=0", "weight_nce_text=0",
             "weight_nce_image=0", "weight_feature=0"),
            stages=CONTENDING, start="the state that all go on with",
        ),
        Arm("+ the whole retriever", (*WIDE, "weight_feature=0"), stages=CONTENDING,
            start="the state that all go on with"),
        Arm("+ its feature distance", (*WIDE, "weight_feature=30"), stages=CONTENDING,
            start="the state that all go on with"),
    ),
    baseline="reconstruction alone",
    seconds=120.0,
    measures=("kid", "l1", "l1_held_out", "sharpness", "precision", "recall", "coverage", "diversity", "l1_unseen",
              "nearer", "kid_mixes", "smoothness", "recall_at_1", "right"),
    suites=("fidelity", "free", "distribution", "unseen", "retrieval"),
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

WORKING = "the working recipe"
# What the generator's and the retriever's losses are beside the pair of scores, all of it off.
PAIR_ALONE = ("weight_nce=0", "weight_nce_text=0", "weight_nce_image=0", "weight_swap=0", "weight_feature=0",
              "weight_reconstruct=0", "weight_places=0", "mixed_share=0", "mix_captions=false", "noise_candidates=1",
              "shift=0", "image_noise=0")  # fmt: skip


def ladder(preset: str, *rungs: tuple[str, tuple[str, ...]]) -> tuple[Arm, ...]:
    """Arms of which each has the overrides of all before it and its own."""
    told: tuple[str, ...] = ()
    arms = []
    for name, overrides in rungs:
        told += overrides
        arms.append(Arm(name, told, preset, CONTENDING))
    return tuple(arms)


RECIPE = Question(
    "recipe", 1,
    "Why did the first attempt fail?",
    "Upwards from `original-2023`, each arm with everything of the arms above it; then the working recipe with one "
    "thing taken out at a time. (`original-2023` takes 500 steps of one side after 500 of the other, does not detach "
    "the text, and has a loss of its own: the three cannot be had apart, and the first rung changes all of them.)",
    "Longer trainings: what is only slow catches up. What fails for want of a gradient does not.",
    (
        *ladder(
            "original-2023",
            ("original-2023", ()),
            ("+ both sides in every step, text detached, a mirrored loss", ("recipe=dpr", "gamma=0", *PAIR_ALONE)),
            ("+ unit embeddings with a learnt scale", ("retriever.normalize=true",)),
            ("+ relativistic pair with realness, contrast of real pictures",
             ("recipe=relativistic", "weight_nce=1", "weight_nce_text=0.5", "weight_nce_image=0.25")),
            ("+ gradient penalties, no momentum", ("gamma=1", "beta1=0", "beta2=0.99")),
            ("+ no BatchNorm in the image tower", ("retriever.tower=residual", "retriever.channels=[16,32,64]")),
            ("+ a generator without BatchNorm, Kaiming, FiLM",
             ("generator.norm=none", "generator.init=kaiming", "generator.activation=leaky_relu",
              "generator.conditioning=film", "generator.base_size=32", "generator.head_channels=8",
              "generator.channels=[32,24]", *WIDE)),
            ("+ slots instead of the mean of tokens", ("retriever.pooling=slots", "retriever.slots=4",
                                                       "retriever.slot_dim=32", "retriever.embed_dim=128")),
            ("+ layers", ("generator.composition=layered", "generator.noise_dim=16")),
            ("+ mixed captions, swaps, in-betweens, places, fitted noise",
             ("mix_captions=true", "weight_swap=0.25", "mixed_share=0.5", "weight_places=1", "noise_candidates=16",
              "shift=1", "image_noise=0.02", "lr_g=4e-4", "lr_d=4e-4", "ema_decay=0.99", "weight_feature=30")),
        ),
        Arm(WORKING, WIDE),
        Arm("without reconstruction", (*WIDE, "weight_reconstruct=0"), stages=CONTENDING),
        Arm("with turns of 100 steps", WIDE, turns=100),
        Arm("with DPR's one softmax, no realness", (*WIDE, "recipe=dpr")),
        Arm("with raw dot products", (*WIDE, "retriever.normalize=false")),
        Arm("without penalties", (*WIDE, "gamma=0")),
        Arm("with BatchNorm in the image tower", (*WIDE, "retriever.tower=resnet")),
        Arm("without an average of the weights", (*WIDE, "ema_decay=0")),
        Arm("without layers", (*WIDE, "generator.composition=none")),
        Arm("without mixed captions", (*WIDE, "mix_captions=false")),
    ),
    baseline=WORKING,
    seconds=40.0,
    measures=("right", "kid", "l1", "recall", "precision", "diversity", "recall_at_1", "ceiling"),
    suites=("free", "fidelity", "distribution", "retrieval"),
)  # fmt: skip

# Few enough combinations that most of them are among the captions that are read.
FEW = json.dumps(ONLY | {"tint": ("none", "red", "blue"), "background": ("white", "yellow", "black")})
TEXT = "text"
CONTROL = Question(
    "control", 2,
    "Does text give control that a class does not?",
    "The same networks are told the whole caption, the name of the thing alone, or a label of its own for every "
    "combination of values (six letters that say nothing of what they stand for). Beside them: how much of a caption "
    "is true of the training picture whose caption is nearest, and of real pictures under the same judge. Three tints, "
    "three backgrounds, 1,296 combinations with those that are held out.",
    "A label for each combination asks for pictures of each, and for a table of them; where all are shown often "
    "enough, labels do on seen combinations what text does. On those that were never shown they cannot.",
    (
        Arm(TEXT, (*WIDE, f"world.only={FEW}", "pool_size=2048")),
        Arm("the thing's name alone", (*WIDE, f"world.only={FEW}", "pool_size=2048", "world.caption_mode=concept",
                                       "weight_swap=0")),
        Arm("a label for each combination", (*WIDE, f"world.only={FEW}", "pool_size=2048"), world="labels"),
    ),
    baseline=TEXT,
    seconds=90.0,
    measures=("scenes_held_out", "scenes", "nearest_held_out", "ceiling_held_out", "l1_held_out", "l1"),
    suites=("scenes", "fidelity"),
)  # fmt: skip

MOSTLY_CONTENDING = (Stage("reconstruct", 0.3), Stage("contend", 0.7))
RETRIEVING, NO_NAMES = (Stage("retrieve"),), ("weight_names=0", "named_share=0")
REAL = "real pictures of the batch"
NEGATIVES = Question(
    "negatives", 3,
    "Do generated hard negatives make a better retriever?",
    "What the retriever learns to tell the right picture and caption from: real pictures of its batch; also drawings "
    "of the other captions; also its own caption's drawing in the one softmax, as was the first idea (which leaves the "
    "realness head out); also captions with one thing changed; both. And with no generator at all, all the time for "
    "the retriever. Only real pictures and captions are searched.",
    "A generator whose mistakes are those that a user would make: here it is soon better than the retriever, and a "
    "drawing of another caption is as easy to tell as a real picture of it. Drawings of *swapped* captions would be "
    "harder; they were not tried.",
    (
        Arm(REAL, (*WIDE, "generated_negatives=false", "weight_swap=0"), stages=MOSTLY_CONTENDING),
        Arm("+ drawings of other captions", (*WIDE, "weight_swap=0"), stages=MOSTLY_CONTENDING),
        Arm("+ its own drawing in the softmax", (*WIDE, "recipe=dpr", "weight_swap=0"), stages=MOSTLY_CONTENDING),
        Arm("+ swapped captions", (*WIDE, "generated_negatives=false", "weight_swap=0.5"), stages=MOSTLY_CONTENDING),
        Arm("+ drawings and swapped captions", (*WIDE, "weight_swap=0.5"), stages=MOSTLY_CONTENDING),
        Arm("the retriever alone", (*WIDE, *NO_NAMES, "weight_swap=0"), stages=RETRIEVING),
        Arm("the retriever alone + swapped captions", (*WIDE, *NO_NAMES, "weight_swap=0.5"), stages=RETRIEVING),
    ),
    baseline=REAL,
    seconds=60.0,
    measures=("recall_at_1", "mrr", "recall_at_1_held_out", "swaps", "swaps_held_out"),
    suites=("retrieval", "swaps"),
)  # fmt: skip

NORMS = Question(
    "norms", 4,
    "BatchNorm, GroupNorm, LayerNorm or none?",
    "The generator's normalisation at three batch sizes, in equal time: a larger batch has fewer steps.",
    "Deeper generators, which train worse without normalisation than two blocks do.",
    tuple(
        Arm(f"{norm}, batch {size}", (*WIDE, f"generator.norm={norm}", f"batch_size={size}"))
        for size in (8, 16, 64) for norm in ("none", "batch", "group", "layer")
    ),
    baseline="none, batch 16",
    seconds=25.0,
    measures=("l1", "kid", "right", "sharpness"),
)  # fmt: skip

INIT = Question(
    "init", 5,
    "Kaiming or N(0, 0.02)?",
    "How the generator's weights begin, with each activation.",
    "Many more steps: a beginning matters less the longer ago it is.",
    tuple(
        Arm(f"{name}, {activation.replace('_', ' ')}",
            (*WIDE, f"generator.init={init}", f"generator.activation={activation}"))
        for init, name in (("kaiming", "Kaiming"), ("dcgan", "N(0, 0.02)"))
        for activation in ("leaky_relu", "relu", "gelu")
    ),
    baseline="Kaiming, leaky relu",
    seconds=25.0,
    measures=("l1", "kid", "right", "sharpness"),
)  # fmt: skip

SCRATCH = "image tower from scratch, frozen text"
TOWERS = Question(
    "towers", 6,
    "A pretrained image tower? A text tower that learns?",
    "Who wins where the retriever begins with ImageNet's features, or where the text encoder learns with it; and what "
    "the controller does, which moves gamma where m leaves .3 to .9.",
    "KID, precision and recall are measured by the same network that the pretrained tower is: they flatter that arm. "
    "A text tower that learns has captions encoded in every step, which costs it most of its steps.",
    (
        Arm(SCRATCH, WIDE, stages=MOSTLY_CONTENDING),
        Arm("+ controller", (*WIDE, "auto_balance=true"), stages=MOSTLY_CONTENDING),
        Arm("pretrained image tower", (*WIDE, "retriever.tower=pretrained"), stages=MOSTLY_CONTENDING),
        Arm("pretrained image tower + controller", (*WIDE, "retriever.tower=pretrained", "auto_balance=true"),
            stages=MOSTLY_CONTENDING),
        Arm("learning text tower", (*WIDE, "lr_text=1e-5"), stages=MOSTLY_CONTENDING),
    ),
    baseline=SCRATCH,
    seconds=60.0,
    measures=("right", "win_share", "recall_at_1", "l1", "gap", "gamma", "kid"),
    suites=("free", "fidelity", "distribution", "retrieval", "training"),
)  # fmt: skip

FITTED = "fitted among 16"
DIVERSITY = Question(
    "diversity", 7,
    "Is what a caption leaves open drawn in different ways?",
    "Captions that do not say the style, sixteen pictures each: noise that is fitted among sixteen or four, noise that "
    "is only concatenated; a generator without layers; and noise that is made smaller when pictures are drawn.",
    "More that is left open: here it is one of two styles of one design.",
    (
        Arm(FITTED, WIDE),
        Arm("fitted among 4", (*WIDE, "noise_candidates=4")),
        Arm("concatenated alone", (*WIDE, "noise_candidates=1")),
        Arm("no layers, fitted among 4", (*WIDE, "generator.composition=none", "noise_candidates=4")),
        Arm("no layers, concatenated alone", (*WIDE, "generator.composition=none", "noise_candidates=1")),
        Arm("fitted among 16, truncation 0.5", WIDE, stages=(), start=FITTED, truncation=0.5),
        Arm("fitted among 16, no noise", WIDE, stages=(), start=FITTED, truncation=0.0),
    ),
    baseline=FITTED,
    seconds=60.0,
    measures=("diversity", "recall", "coverage", "precision", "kid"),
    suites=("free", "distribution"),
)  # fmt: skip

GARMENTS = ("generator.composition=none", "generator.noise_dim=32", "generator.hidden_dim=384", "noise_candidates=4",
            "mixed_share=0", "pool_size=2048")  # fmt: skip
BOTH = "reconstruction, then the retriever"
STACKED = Question(
    "stacked", 8,
    "A table that others have: stacked Fashion-MNIST",
    "A garment in each of the three colour channels, 1,000 combinations, 100 of which no training picture or caption "
    "has. 26,000 pictures are drawn, 26 for the caption of each combination, and read by a small classifier of single "
    "garments: how many modes are there, and how far from equal are their shares (the figures that unconditional GANs "
    "are compared by, mostly on digits)? And of the hundred that were never shown, how many are drawn right? The same "
    "of real pictures from the test part stands beside: the classifier takes some shirts for coats.",
    "A longer training, and a larger network: the published figures are of many hours on GPUs. Told captions, a model "
    "need not find the modes by itself, so the unconditional figures are easier here.",
    (
        Arm(BOTH, GARMENTS, stages=MOSTLY_CONTENDING, world="stacked"),
        Arm("reconstruction alone", GARMENTS, stages=RECONSTRUCTING, world="stacked"),
        Arm("the retriever alone teaches", (*GARMENTS, "weight_reconstruct=0"), stages=CONTENDING, world="stacked"),
    ),
    baseline=BOTH,
    seconds=120.0,
    measures=("modes_right", "right_unseen", "right_shown", "modes", "reverse_kl", "modes_right_real", "right_real",
              "kl_real"),
    suites=("stacked",),
)  # fmt: skip

QUESTIONS = (RECIPE, CONTROL, NEGATIVES, NORMS, INIT, TOWERS, DIVERSITY, STACKED, ADVERSARY, CANVAS)
