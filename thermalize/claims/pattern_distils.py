r"""Claim: a pattern uses few parameters, which is why distillation works.

Teachers learn the same images with true and with random labels, to the same training loss. How
many parameters does a student need to say what the teacher says? It learns the teacher's soft
predictions on many unlabelled images, and agrees where its most probable class on a probe image,
seen by neither, is the teacher's. Needed are the parameters at which it does so on 95 % of the
probe (see ``distillation.py``), with true against random labels.

What a random-label teacher says of new images is nearer to a tie, and so is harder to repeat at any
size. Therefore a student as wide as an endpoint that teaches must reach the 95 %: where it does
not, the transfer images are too few and not the parameters, and there is no verdict.

Sources: Hinton, Vinyals and Dean 2015; Zhang et al. 2017 (random labels).
"""

from typing import NamedTuple

import jax
import numpy as np

from samplers.draws import Progress, share_of

from .claim import TOGETHER, Claim, Evidence, Preset
from .distillation import AGREEMENT, RATIO
from .distillation_cases import Pair, Taught, case_of, graphs_of, headline_of, stored
from .names import STATEMENTS
from .noisy_labels import model_of
from .teachers import (
    NUM_PROBE,
    School,
    agreement,
    num_params,
    posterior_teachers,
    school,
    trained_teachers,
)
from .trusted_chains import RUN_ON, Chains

type Array = np.ndarray
NOISES = (0.0, 1.0)  # true labels, random labels
CITATIONS = ["Hinton, Vinyals and Dean 2015", "Zhang et al. 2017", "Neal 2011"]


class Sizes(NamedTuple):
    """How much a preset runs."""

    tasks: tuple[str, ...]
    num_train: int
    teacher_width: int
    widths: tuple[int, ...]  # of students, the teacher's own among them
    num_teachers: int
    members: int  # endpoints an ensemble averages
    num_students: int  # of each teacher
    num_mixtures: int
    num_steps: int  # of a student's training
    beta: float
    chains: Chains | None  # no posterior teaches without


SIZES: dict[Preset, Sizes] = {
    "smoke": Sizes(("digits_binary",), 10, 4, (1, 4), 2, 2, 1, 100, 200, 30.0, None),
    "quick": Sizes(("digits_binary",), 50, 16, (1, 2, 4, 8, 16, 32), 3, 8, 1, 1500, 3000, 30.0, None),
    "full": Sizes(
        ("digits", "digits_binary"),
        50,
        32,
        (1, 2, 4, 8, 16, 32, 64, 128),
        3,
        16,
        2,
        4000,
        6000,
        30.0,
        Chains(8, 500, 80, doublings=2),
    ),
    "paper": Sizes(
        ("digits", "digits_binary"),
        200,
        128,
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        16,
        64,
        4,
        50_000,
        100_000,
        30.0,
        Chains(64, 1000, 300),
    ),
}


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Train teachers and students on true and on random labels, and judge each kind of teacher."""
    return evidence_of(SIZES[preset], seed, progress)


def evidence_of(sizes: Sizes, seed: int, progress: Progress) -> Evidence:
    """The run at any size."""
    pairs: list[Pair] = []
    data: list[Array] = []
    num_parts = len(sizes.tasks) * len(NOISES)
    for place, name in enumerate(sizes.tasks):
        taught: list[list[Taught]] = []
        for turn, noise in enumerate(NOISES):
            room = school(name, sizes.num_train, noise, sizes.num_mixtures, seed)
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), place), turn)
            part = share_of(progress, len(NOISES) * place + turn, num_parts)
            taught.append(_teach(key, room, sizes, part))
            data += map(np.asarray, room.task.train)
        params = np.array([num_params(room, width) for width in sizes.widths], float)
        pairs += [
            Pair(name, sizes.num_train, sizes.widths, params, sizes.teacher_width, true, random)
            for true, random in zip(*taught, strict=True)
        ]
    cases = [case_of(pair, np.random.default_rng([seed, place])) for place, pair in enumerate(pairs)]
    samples = [sampled for pair in pairs for sampled in stored(pair)]
    return Evidence(cases, headline_of(cases), graphs_of(pairs, cases), samples, data, CITATIONS, [])


def _teach(key: jax.Array, room: School, sizes: Sizes, progress: Progress) -> list[Taught]:
    key_train, key_sample, key_students, key_shuffle = jax.random.split(key, 4)
    model = model_of(room.task, sizes.teacher_width)
    parts = 2 + len(sizes.widths)
    kinds = list(
        trained_teachers(
            key_train, model, room, sizes.num_teachers, sizes.members, share_of(progress, 0, parts)
        )
    )
    if sizes.chains is not None:
        part = share_of(progress, 1, parts)
        kinds.append(posterior_teachers(key_sample, model, room, sizes.beta, sizes.chains, part))
    found: list[list[Array]] = [[] for _ in kinds]
    for size, width in enumerate(sizes.widths):
        for kind, teachers in enumerate(kinds):
            key_kind = jax.random.fold_in(jax.random.fold_in(key_students, size), kind)
            found[kind].append(
                np.stack(
                    [
                        agreement(
                            jax.random.fold_in(key_kind, number),
                            room,
                            width,
                            one[NUM_PROBE:],
                            one[:NUM_PROBE].argmax(axis=-1),
                            sizes.num_students,
                            sizes.num_steps,
                        )
                        for number, one in enumerate(teachers.probabilities)
                    ]
                )
            )
        progress(2 + size + 1, parts)
    first = kinds[0].probabilities[0]
    key_order, key_student = jax.random.split(key_shuffle)
    order = np.asarray(jax.random.permutation(key_order, len(room.transfer)))
    shuffled = agreement(
        key_student,
        room,
        sizes.widths[-1],
        first[NUM_PROBE:][order],
        first[:NUM_PROBE].argmax(axis=-1),
        sizes.num_students,
        sizes.num_steps,
    )
    return [
        Taught(teachers, np.stack(agree, axis=1), shuffled if kind == 0 else None)
        for kind, (teachers, agree) in enumerate(zip(kinds, found, strict=True))
    ]


CLAIM = Claim(
    id="pattern_distils",
    statement=STATEMENTS["pattern_distils"],
    source="the second remark: a pattern uses few parameters, which is why distillation works",
    estimand=(
        f"fewest parameters at which a student has the teacher's label on {AGREEMENT:.0%} of the probe "
        "images, interpolated along ln parameters; with random labels over true ones; teachers are one "
        "endpoint, the average of endpoints at the same training loss, and the posterior mean; students "
        "learn soft predictions on the training images, further images and mixtures of two images"
    ),
    rule=(
        f"SUPPORTED: students of random-label teachers need at least {RATIO:g} times the parameters, lower "
        "end of the 95 % interval over teachers, students and probe images; where even the widest do not "
        "agree, their size is a lower bound. REFUTED: the upper end is below. INCONCLUSIVE: anything else; a "
        f"student as wide as the endpoint that teaches does not agree on {AGREEMENT:.0%}; students of "
        "shuffled answers do; teachers of other seeds need other students; teachers err on over 1 % of their "
        "training images; or a posterior with R-hat above 1.01 or an effective sample size below 400. "
        f"{RUN_ON} {TOGETHER}"
    ),
    run=run,
)
