"""Kernels that optimise or sample one target, and the drivers that run them."""

from .chains import sample as sample
from .draws import Draws as Draws
from .endpoints import Stop as Stop
from .endpoints import optimise as optimise
from .hmc import hmc as hmc
from .hmc import nuts as nuts
from .kernel import Kernel as Kernel
from .kernel import Sampler as Sampler
from .prior import prior_draws as prior_draws
from .sgd import optimiser as optimiser
from .target import Target as Target
from .target import logdensity as logdensity
from .target import loss as loss
from .target import objective as objective
from .target import posterior as posterior
from .target import training_errors as training_errors
