"""The claims that can be run, by name; importing this imports jax."""

from .claim import Claim
from .confident_on_noise import CLAIM as CONFIDENT_ON_NOISE
from .nearby_worlds import CLAIM as NEARBY_WORLDS
from .pattern_distils import CLAIM as PATTERN_DISTILS
from .simple_is_large import CLAIM as SIMPLE_IS_LARGE
from .training_picks_simplest import CLAIM as TRAINING_PICKS_SIMPLEST

ALL = [
    SIMPLE_IS_LARGE,
    TRAINING_PICKS_SIMPLEST,
    CONFIDENT_ON_NOISE,
    PATTERN_DISTILS,
    NEARBY_WORLDS,
]
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in ALL}
