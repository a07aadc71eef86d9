"""The rules of stopping in both precisions: a look at the data says the same kinds of numbers as none."""

from typing import get_args

import jax
import jax.numpy as jnp
import pytest

from models import Batch, bayesian_model, categorical, gaussian_prior, mlp
from samplers import Stop, posterior
from samplers.stopping import MANY_ROWS, Rule, first_witnesses, limits_of, rules_met


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("num_rows", [3, MANY_ROWS])
def test_rules_are_traced_in_either_precision(num_rows: int, double: bool) -> None:
    rules: tuple[Rule, ...] = get_args(Rule.__value__)
    with jax.enable_x64(double):
        network = mlp([2, 3])
        model = bayesian_model(network, gaussian_prior(network), categorical())
        data = Batch(jnp.zeros((num_rows, 2)), jnp.zeros(num_rows, int))
        target = posterior(model, data, num_data=num_rows)
        for some in (rules, ("first_fit",)):
            witnesses = first_witnesses(some, target)
            limits = limits_of(tuple(Stop(rule) for rule in some))
            asked, info = jnp.ones(len(some), bool), {"batch_errors": jnp.asarray(False)}
            params = model.sample_prior(jax.random.key(0))
            met, next_witnesses = jax.eval_shape(
                lambda p, w, some=some, limits=limits, asked=asked, info=info: rules_met(
                    some, target, limits, p, asked, w, info
                ),
                params,
                witnesses,
            )
            assert met.dtype == bool
            assert (next_witnesses.shape, next_witnesses.dtype) == (witnesses.shape, witnesses.dtype)
