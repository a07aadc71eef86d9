r"""Question: are networks trained on random labels uncertain, or confidently wrong?

A network that has learned labels without a pattern can know nothing of new images. Does it
say so? Endpoints of training and draws of the posterior learn the same images with a growing
share of random labels, and are asked about test images with their true labels. At full noise
the best any prediction can do is to be uniform, with a cross-entropy of ``ln C``.

One network of SGD is set beside one draw, the average of networks beside the posterior mean,
at the same training loss. Whoever is wrong must also be sure to count as confidently wrong.

Sources: Zhang et al. 2017 (random labels); Guo et al. 2017 (confidence); Wilson and Izmailov
2020, section 2 (what averaging over the posterior changes).
"""

from collections.abc import Sequence

import jax
import numpy as np

from samplers.draws import Progress, share_of

from .claim import TOGETHER, Check, Claim, Evidence, Preset, Sampled
from .confidence import MARGIN, SHARE, SURE, Predictor, controls, measured, planted_checks
from .confidence_cases import (
    FULL_NOISE,
    PREDICTORS,
    Cell,
    Row,
    cases_of,
    graphs_of,
    headline_of,
    published_of,
    sentence,
)
from .confidence_sizes import SIZES, Sizes
from .names import STATEMENTS
from .noisy_labels import (
    CITATIONS,
    Sample,
    Setting,
    endpoints,
    model_of,
    noisy_task,
    posterior_sample,
    prior_sample,
)
from .trusted_chains import RUN_ON

type Array = np.ndarray
NUM_PRIOR, CONTROL_CHAINS = 400, 4


def run(preset: Preset, seed: int, progress: Progress) -> Evidence:
    """Train and sample every setting at every level of noise, and answer for each at full noise."""
    return evidence_of(SIZES[preset], seed, progress)


def evidence_of(sizes: Sizes, seed: int, progress: Progress) -> Evidence:
    """The run at any size."""
    rows: list[Row] = []
    data: list[Array] = []
    num_parts = sum(len(_noises(betas)) for betas in sizes.plan.values())
    part = 0
    for place, (setting, betas) in enumerate(sizes.plan.items()):
        key = jax.random.fold_in(jax.random.key(seed), place)
        cells: dict[float | None, dict[float, Cell]] = {beta: {} for beta in (*betas, None)}
        for noise in _noises(betas):
            at_noise = [beta for beta, noises in betas.items() if noise in noises]
            found, arrays = _cells(
                jax.random.fold_in(key, round(100 * noise)),
                setting,
                noise,
                at_noise,
                sizes,
                seed,
                share_of(progress, part, num_parts),
            )
            for beta, cell in zip([*at_noise, None], found, strict=True):
                cells[beta][noise] = cell
            data += arrays
            part += 1
        rows += [Row(setting, beta, by_noise) for beta, by_noise in cells.items()]
    cases = [case for row in rows for case in cases_of(row)]
    return Evidence(
        cases,
        headline_of(rows),
        graphs_of(rows),
        [sampled for row in rows for sampled in _stored(row)],
        data,
        CITATIONS,
        published_of(rows),
        sentence(rows, cases),
    )


def _noises(betas: dict[float, tuple[float, ...]]) -> list[float]:
    return sorted({noise for noises in betas.values() for noise in noises})


def _cells(
    key: jax.Array,
    setting: Setting,
    noise: float,
    betas: Sequence[float],
    sizes: Sizes,
    seed: int,
    progress: Progress,
) -> tuple[list[Cell], list[Array]]:
    """A cell for every inverse temperature, the one at first fit last; and the data."""
    task = noisy_task(setting, noise, sizes.num_probe, seed)
    model = model_of(task, setting.width)
    targets = np.asarray(task.probe.targets)
    keys = jax.random.split(key, 2 * len(betas) + 2)
    num_parts = 2 * len(betas) + 1
    sampled = [
        posterior_sample(keys[2 * i], model, task, beta, sizes.chains[beta], share_of(progress, i, num_parts))
        for i, beta in enumerate(betas)
    ]
    trained = endpoints(
        keys[-1],
        model,
        task,
        [one.loss for one in sampled],
        sizes.num_endpoints,
        share_of(progress, len(betas), num_parts),
    )
    rng = np.random.default_rng([seed, setting.num_train, setting.width, setting.draw, round(100 * noise)])
    asked = noise == FULL_NOISE
    planted = planted_checks(targets, trained[-1].networks.shape[-1], rng) if asked else []
    prior = prior_sample(keys[-2], model, task, NUM_PRIOR) if asked else None
    cells = []
    for i, beta in enumerate(betas):
        checks = list(planted)
        if prior is not None and sampled[i].passed:
            again = posterior_sample(
                keys[2 * i + 1],
                model,
                task,
                beta,
                sizes.chains[beta]._replace(num_chains=CONTROL_CHAINS, doublings=0),
                share_of(progress, len(betas) + 1 + i, num_parts),
            )
            checks += controls(sampled[i].networks, again.networks, prior, targets, rng)
        cells.append(_cell(trained[i], sampled[i], checks, targets, rng))
    return [*cells, _cell(trained[-1], None, planted, targets, rng)], [*map(np.asarray, task.train)]


def _cell(
    trained: Sample, sampled: Sample | None, checks: list[Check], targets: Array, rng: np.random.Generator
) -> Cell:
    found = {}
    for place, name in enumerate(PREDICTORS):
        sample, averaged = (trained, sampled)[place // 2], bool(place % 2)
        if sample is not None and len(sample.networks) > 1:
            found[name] = measured(Predictor(sample.networks, averaged), targets, rng)
    return Cell(trained, sampled, found, checks)


def _stored(row: Row) -> list[Sampled]:
    """Labels and log probabilities of all networks, the latter to three digits."""
    found = []
    for noise, cell in row.cells.items():
        for name, sample in (("endpoints", cell.trained), ("posterior", cell.sampled)):
            if sample is None or not len(sample.networks):
                continue
            networks = sample.networks[:, None]  # independent, or thinned until they are: one draw a chain
            logs = np.log(np.maximum(networks, np.finfo(networks.dtype).tiny))
            arrays = {
                "function": networks.argmax(axis=-1).astype(np.uint8),
                "log_probability": logs.astype(np.float16),
            }
            arm = f"{row.name}, noise {noise:g}, {name}".replace(", ", "-").replace(" ", "_")
            law = "not known in general" if name == "endpoints" else "the posterior, exactly invariant"
            found.append(Sampled(arm, arrays, law))
    return found


CLAIM = Claim(
    id="confident_on_noise",
    statement=STATEMENTS["confident_on_noise"],
    source="the question that the second remark leaves open: uncertain, or confidently wrong",
    estimand=(
        "on test images with their true labels, after training on random ones: cross-entropy less ln C, "
        f"share wrong with a top probability above {SURE}, mean top probability, calibration error beside "
        "that of a calibrated predictor, entropy; for one endpoint, the average of endpoints, one posterior "
        "draw and the posterior mean, at matched training loss and at first fit"
    ),
    rule=(
        "A question, so verdicts are answers, one for each predictor at 100 % random labels. SUPPORTED: "
        f"confidently wrong, cross-entropy over {MARGIN} nats above ln C and over {SHARE:.0%} of the test "
        f"images wrong with confidence above {SURE}. REFUTED: uncertain, both below. PARTLY: in between, "
        "one above and one below. 95 % intervals must clear both thresholds, else INCONCLUSIVE; so is a "
        "posterior with R-hat above 1.01 or a bulk effective sample size below 400 for any probability or "
        "measure, endpoints of which over 10 % miss their stopping rule or whose training loss is over 5 % "
        f"from the posterior's, and a control that came out wrong. {RUN_ON} {TOGETHER}"
    ),
    run=run,
)
