"""The settings of a run, section by section: what each means, its default, its check."""

from .blocks import DEFAULT_BLOCKS
from .catalogue import ACTIVATIONS, PRIORS, SHIFTS, TASKS
from .optimisers import INITS
from .options import PRESETS, Option, boolean, fraction, not_negative, positive, positive_integer, word

RUN: dict[str, Option] = {
    "preset": word("the size of the run", "quick", PRESETS),
    "seed": Option(
        "integer", "the seed", 0, None, lambda n: 0 <= n < 2**32, "from 0 to 4294967295", (), 2**32 - 1
    ),
}
TASK: dict[str, Option] = {
    "name": word("the task", "digits", tuple(TASKS)),
    "num_train": positive_integer("the number of training examples; the task's own unless given"),
    "num_probe": positive_integer("the number of probe inputs; the task's own unless given"),
    "label_noise": fraction("the share of training labels replaced by random ones", 0.0),
    "shift": word("the shift of the probe inputs", "none", ("none", *SHIFTS)),
    "shift_strength": not_negative("the strength of the shift"),
}
MODEL: dict[str, Option] = {
    "widths": Option(
        "integers",
        "the widths of the hidden layers; an empty list is a linear model",
        (16,),
        None,
        lambda widths: all(n >= 1 for n in widths),
        "made of numbers of at least 1",
    ),
    "activation": word("the activation", "tanh", tuple(ACTIVATIONS)),
    "prior": word("the family of the prior", "gaussian", tuple(PRIORS)),
    "weight_scale": positive("the prior standard deviation of a weight times the root of its fan-in", 1.0),
    "bias_scale": positive("the prior standard deviation of a bias", 1.0),
    "degrees_of_freedom": Option(
        "number", "the degrees of freedom of a student_t prior", None, None, lambda x: x > 2, "above 2"
    ),
    "noise_scale": positive("the standard deviation of the noise of a regression"),
    "init": word("the law that training starts from", "prior", INITS),
    "init_scale": not_negative("the factor on a draw of the prior, for init = 'scaled'"),
    "beta": not_negative("the inverse temperature of the posterior", 1.0),
}
BATCH: dict[str, Option] = {
    "chunk_draws": positive_integer(
        "the number of draws of a chain between two writes to disk", DEFAULT_BLOCKS.chunk_draws
    ),
    "chunk_endpoints": positive_integer(
        "the number of trained networks between two writes to disk", DEFAULT_BLOCKS.chunk_endpoints
    ),
    "block_chains": positive_integer(
        "the number of chains of a device that advance together", DEFAULT_BLOCKS.block_chains
    ),
    "lanes": positive_integer("the number of networks in training on a device", DEFAULT_BLOCKS.lanes),
    "block_lanes": positive_integer("how many of them advance together", DEFAULT_BLOCKS.block_lanes),
    "in_span": boolean(
        "whether SGD trains first layers in the span of fewer training inputs", DEFAULT_BLOCKS.in_span
    ),
}
SECTIONS = {"task": TASK, "model": MODEL, "batch": BATCH}
