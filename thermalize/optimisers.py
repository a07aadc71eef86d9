"""The optimisers there are, all from optax, with their options and defaults.

Tables only; nothing here imports jax. A setting of an optimiser bears optax's own name.
"""

from dataclasses import replace

from .catalogue import INITIALISATIONS
from .kinds import KEEP, Kind, batch
from .options import (
    Option,
    boolean,
    fraction,
    natural,
    not_negative,
    positive,
    positive_integer,
    probability,
    word,
)
from .stops import are_stops

INITS = ("prior", *INITIALISATIONS)
_STARTS = {
    "init": Option("word", "the law that training starts from; the run's own unless given", words=INITS),
    "init_scale": not_negative("the factor on a draw of the prior, for init = 'scaled'"),
}
_MOMENTUM = {
    "momentum": Option("number", "the momentum", 0.0, None, lambda x: 0 <= x < 1, "from 0 to below 1")
}
_NESTEROV = {"nesterov": boolean("whether momentum is Nesterov's", False)}
_EPS = {"eps": positive("the number added to the denominator", 1e-8)}


def _betas(b1: float = 0.9, b2: float = 0.999) -> dict[str, Option]:
    return {
        "b1": probability("the decay of the first moment", b1),
        "b2": probability("the decay of the second moment", b2),
    }


def _decoupled(weight_decay: float) -> dict[str, Option]:
    return {"weight_decay": not_negative("the decoupled weight decay", weight_decay)}


def _optimiser(
    description: str,
    citation: str,
    learning_rate: float,
    settings: dict[str, Option] | None = None,
    batch_size: int = 32,
) -> Kind:
    """An optimiser of optax; its own ``settings`` are passed on under optax's names."""
    options = {
        "learning_rate": positive("the step size", learning_rate),
        **(settings or {}),
        **batch(batch_size),
        "stop": word("when training ends", "first_fit", ("first_fit", "loss", "match", "budget")),
        "stops": Option(
            "texts",
            "several stops of one training instead, each an arm of its own",
            check=are_stops,
            allowed="made of first_fit, loss<=NUMBER, match, budget, with +STEPS or without, no two the same",
        ),
        "threshold": Option("number", "the training loss to stop at, nats per datum, with stop = 'loss'"),
        "extra_steps": natural("the number of steps after the rule was met", 0),
        "max_steps": positive_integer("the number of steps after which training ends in any case", 10_000),
        "prior_weight": not_negative(
            "the weight of the prior in the objective: 0 is risk, 1 the posterior", 0.0
        ),
        **_STARTS,
        "num_endpoints": positive_integer("the number of independently trained networks", 256, 1024),
        **KEEP,
    }
    return Kind("optimiser", description, citation, options, tuple(settings or {}))


def _ensemble(description: str, citation: str) -> Kind:
    """Adam on the objective with its prior, to a budget: a member is a mode, not a first fit."""
    kind = _optimiser(description, citation, 1e-2)
    options = {name: option for name, option in kind.options.items() if name != "prior_weight"}
    changed = {"stop": "budget", "max_steps": 2000, "num_endpoints": 128}
    options |= {name: replace(options[name], quick=quick) for name, quick in changed.items()}
    return replace(kind, options=options)


_ADAM = _betas() | _EPS
OPTIMISERS: dict[str, Kind] = {
    "sgd": _optimiser(
        "stochastic gradient descent, with momentum if asked",
        "Robbins and Monro 1951",
        0.1,
        _MOMENTUM | _NESTEROV,
    ),
    "adam": _optimiser("adaptive moments", "Kingma and Ba 2015", 1e-2, _ADAM),
    "adamw": _optimiser(
        "Adam with decoupled weight decay", "Loshchilov and Hutter 2019", 1e-2, _ADAM | _decoupled(1e-4)
    ),
    "nadam": _optimiser("Adam with Nesterov momentum", "Dozat 2016", 1e-2, _ADAM),
    "nadamw": _optimiser(
        "Nadam with decoupled weight decay",
        "Dozat 2016; Loshchilov and Hutter 2019",
        1e-2,
        _ADAM | _decoupled(1e-4),
    ),
    "adamax": _optimiser("Adam in the maximum norm", "Kingma and Ba 2015, section 7.1", 1e-2, _ADAM),
    "amsgrad": _optimiser("Adam with a second moment that never falls", "Reddi et al. 2018", 1e-2, _ADAM),
    "radam": _optimiser("Adam with a rectified early variance", "Liu et al. 2020", 1e-2, _ADAM),
    "yogi": _optimiser("Adam with an additive second moment", "Zaheer et al. 2018", 1e-2, _betas()),
    "adabelief": _optimiser(
        "Adam scaled by the surprise of the gradient", "Zhuang et al. 2020", 1e-2, _betas()
    ),
    "adan": _optimiser(
        "adaptive Nesterov momentum",
        "Xie et al. 2022",
        1e-2,
        _betas(0.98, 0.92) | {"b3": probability("the decay of the third moment", 0.99)} | _decoupled(0.0),
    ),
    "adagrad": _optimiser("steps that shrink with all past gradients", "Duchi et al. 2011", 0.1),
    "adadelta": _optimiser(
        "Adagrad with a moving window",
        "Zeiler 2012",
        1.0,
        {
            "rho": probability("the decay of the window", 0.9),
            "eps": positive("the number added to the denominator", 1e-6),
        },
    ),
    "adafactor": _optimiser("Adam with factored second moments", "Shazeer and Stern 2018", 1e-2),
    "rmsprop": _optimiser(
        "steps scaled by a moving mean square",
        "Tieleman and Hinton 2012",
        1e-2,
        {"decay": probability("the decay of the mean square", 0.9)} | _EPS | _MOMENTUM | _NESTEROV,
    ),
    "rprop": _optimiser(
        "resilient propagation: signs of full gradients", "Riedmiller and Braun 1993", 1e-3, batch_size=0
    ),
    "sign_sgd": _optimiser("steps along the sign of the gradient", "Bernstein et al. 2018", 1e-3),
    "signum": _optimiser(
        "sign_sgd with momentum", "Bernstein et al. 2018", 1e-3, {"beta": fraction("the momentum", 0.9)}
    ),
    "lion": _optimiser(
        "signs of interpolated momentum", "Chen et al. 2023", 1e-3, _betas(0.9, 0.99) | _decoupled(0.0)
    ),
    "lamb": _optimiser(
        "Adam with layer-wise step sizes", "You et al. 2020", 1e-2, _betas() | _decoupled(0.0)
    ),
    "lars": _optimiser(
        "SGD with layer-wise step sizes", "You et al. 2017", 10.0, _MOMENTUM | _decoupled(0.0)
    ),
    "novograd": _optimiser("layer-wise second moments", "Ginsburg et al. 2019", 1e-2, _betas(0.9, 0.25)),
    "fromage": _optimiser("steps relative to each layer's norm", "Bernstein et al. 2020", 1e-2),
    "sm3": _optimiser("Adagrad with shared second moments", "Anil et al. 2019", 0.1, _MOMENTUM),
    "deep_ensemble": _ensemble(
        "independently trained modes of the posterior, as draws",
        "Lakshminarayanan, Pritzel and Blundell 2017",
    ),
}
