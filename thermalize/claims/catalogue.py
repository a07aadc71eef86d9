"""The claims that can be run, by name; importing this imports jax."""

from .claim import Claim
from .memorising_is_small import CLAIM as MEMORISING_IS_SMALL
from .simple_is_large import CLAIM as SIMPLE_IS_LARGE
from .training_picks_simplest import CLAIM as TRAINING_PICKS_SIMPLEST

CLAIMS: dict[str, Claim] = {
    claim.id: claim for claim in (MEMORISING_IS_SMALL, SIMPLE_IS_LARGE, TRAINING_PICKS_SIMPLEST)
}
