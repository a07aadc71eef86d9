"""What there is to choose from: tasks, transforms, activations, priors, likelihoods.

Pure data, so that tables and refusals are instant: ``models`` and jax are imported only
when an entry is loaded. A test compares every entry with what it names.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One choice: what it is in a line, and the name in ``models`` that makes it."""

    summary: str
    factory: str

    def load(self) -> Callable[..., Any]:
        """The factory itself; imports jax.

        >>> LIKELIHOODS["bernoulli"].load()().name
        'bernoulli'
        """
        return _load(self.factory)


class TaskEntry(NamedTuple):
    """A task: its loader ``(key, num_train, num_probe) -> Task`` and its defaults.

    ``likelihood`` is a key of ``LIKELIHOODS``; ``extra`` is the optional extra of the
    installation that the loader needs, or ``None``. ``num_all`` is the number of all inputs
    that there are, of a finite task: its probe is then all that is not trained on, unless
    fewer are asked for.
    """

    summary: str
    factory: str
    likelihood: str
    num_train: int
    num_probe: int
    extra: str | None = None
    num_all: int | None = None

    def load(self) -> Callable[..., Any]:
        """The loader itself; imports jax."""
        return _load(self.factory)


TASKS: dict[str, TaskEntry] = {
    "digits": TaskEntry("handwritten digits, 8x8 pixels, 10 classes", "digits", "categorical", 300, 200),
    "digits_binary": TaskEntry(
        "the same images, odd against even digits", "digits_binary", "bernoulli", 300, 100
    ),
    "breast_cancer": TaskEntry(
        "tumours benign or malignant from 30 measurements", "breast_cancer", "bernoulli", 300, 100
    ),
    "diabetes": TaskEntry(
        "disease progression from 10 measurements, a regression", "diabetes", "gaussian", 300, 100
    ),
    "regression_1d": TaskEntry(
        "a smooth curve with noise and a gap in its inputs, generated", "regression_1d", "gaussian", 40, 100
    ),
    "boolean_3": TaskEntry(
        "the Boolean function that copies the first of 3 bits", "boolean_3", "bernoulli", 4, 4, num_all=8
    ),
    "boolean_5": TaskEntry(
        "the Boolean function that copies the first of 5 bits", "boolean_5", "bernoulli", 16, 16, num_all=32
    ),
    "boolean_7": TaskEntry(
        "the Boolean function that copies the first of 7 bits", "boolean_7", "bernoulli", 64, 64, num_all=128
    ),
    "mnist_binary": TaskEntry(
        "MNIST images, 28x28 pixels, odd against even digits", "mnist_binary", "bernoulli", 1000, 100, "mnist"
    ),
}

ACTIVATIONS: dict[str, str] = {
    "tanh": "hyperbolic tangent: smooth and bounded",
    "relu": "max(0, x): not differentiable at zero, so HMC's leapfrog loses its order",
    "gelu": "x times the normal distribution function: smooth, close to relu",
}

PRIORS: dict[str, Entry] = {
    "gaussian": Entry("Gaussian, standard deviation 1/sqrt(fan-in) for weights", "gaussian_prior"),
    "laplace": Entry("Laplace of the same standard deviation: sharper peak, longer tails", "laplace_prior"),
    "student_t": Entry("Student-t of the same standard deviation: heavy tails", "student_t_prior"),
}

LIKELIHOODS: dict[str, Entry] = {
    "categorical": Entry("softmax over one output a class", "categorical"),
    "bernoulli": Entry("two classes, one output: the log odds of class 1", "bernoulli"),
    "gaussian": Entry("regression, one output, known noise", "gaussian"),
}

INITIALISATIONS: dict[str, Entry] = {
    "he": Entry("normal, variance 2/fan-in, zero biases", "he_init"),
    "lecun": Entry("normal, variance 1/fan-in, zero biases", "lecun_init"),
    "glorot": Entry("uniform, variance 2/(fan-in + fan-out), zero biases", "glorot_init"),
    "scaled": Entry("a draw of the prior times a factor", "scaled_init"),
}

SHIFTS: dict[str, str] = {
    "noise": "strength times a standard normal draw is added; any task",
    "scale": "inputs are multiplied by 1 + strength; any task",
    "contrast": "deviations from each image's mean are divided by 1 + strength; images",
    "translation": "strength pixels in a random direction; images",
    "rotation": "strength degrees to a random side; images",
    "blur": "Gaussian filter of strength pixels; images",
    "dropout": "every pixel blanked with probability strength; images",
}


def _load(factory: str) -> Callable[..., Any]:
    import models

    found: Callable[..., Any] = getattr(models, factory)
    return found
