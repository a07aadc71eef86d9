"""The claims that can be run, by name; importing this imports jax."""

from .claim import Claim
from .confident_on_noise import CLAIM as CONFIDENT_ON_NOISE
from .pattern_distils import CLAIM as PATTERN_DISTILS
from .nearby_worlds import CLAIM as NEARBY_WORLDS
from .simple_is_large import CLAIM as SIMPLE_IS_LARGE
from .training_picks_simplest import CLAIM as TRAINING_PICKS_SIMPLEST

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (CONFIDENT_ON_NOISE, PATTERN_DISTILS, SIMPLE_IS_LARGE, TRAINING_PICKS_SIMPLEST)
    claim.id: claim for claim in (NEARBY_WORLDS, SIMPLE_IS_LARGE, TRAINING_PICKS_SIMPLEST)
}
