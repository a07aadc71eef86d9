"""Pure JAX networks, priors, likelihoods and data sets."""

from .likelihoods import Likelihood as Likelihood
from .likelihoods import bernoulli as bernoulli
from .likelihoods import categorical as categorical
from .likelihoods import gaussian as gaussian
from .mlp import ACTIVATIONS as ACTIVATIONS
from .mlp import mlp as mlp
from .model import Batch as Batch
from .model import Model as Model
from .model import Network as Network
from .model import bayesian_model as bayesian_model
from .priors import Prior as Prior
from .priors import gaussian_prior as gaussian_prior
from .priors import laplace_prior as laplace_prior
from .priors import student_t_prior as student_t_prior
