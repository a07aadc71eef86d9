"""The claims that can be run, by name; importing this imports jax."""

from .claim import Claim
from .confident_on_noise import CLAIM as CONFIDENT_ON_NOISE
from .grokking_is_search import CLAIM as GROKKING_IS_SEARCH
from .memorising_is_small import CLAIM as MEMORISING_IS_SMALL
from .nearby_worlds import CLAIM as NEARBY_WORLDS
from .pattern_distils import CLAIM as PATTERN_DISTILS
from .posterior_sample import CLAIM as POSTERIOR_SAMPLE
from .prunes_and_survives import CLAIM as PRUNES_AND_SURVIVES
from .simple_is_large import CLAIM as SIMPLE_IS_LARGE
from .subnetworks_selected import CLAIM as SUBNETWORKS_SELECTED
from .training_picks_simplest import CLAIM as TRAINING_PICKS_SIMPLEST

ALL = [
    POSTERIOR_SAMPLE,
    SIMPLE_IS_LARGE,
    TRAINING_PICKS_SIMPLEST,
    CONFIDENT_ON_NOISE,
    PATTERN_DISTILS,
    NEARBY_WORLDS,
    MEMORISING_IS_SMALL,
    PRUNES_AND_SURVIVES,
    SUBNETWORKS_SELECTED,
    GROKKING_IS_SEARCH,
]
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in ALL}
