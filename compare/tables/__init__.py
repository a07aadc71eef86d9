"""What distances see of two samples of networks, for many resamples at once.

A distance sees one of three things of each resample, which is a list of networks out of a
sample: means of a feature (:class:`Means`), mean kernels between pairs (:class:`Pairs`), or
how far each network's number must be moved (:class:`Orders`).
"""

from .means import Feature as Feature
from .means import Means as Means
from .orders import MAX_ORDERED as MAX_ORDERED
from .orders import Numbers as Numbers
from .orders import Orders as Orders
from .pairs import MAX_PAIRED as MAX_PAIRED
from .pairs import Kernel as Kernel
from .pairs import Pairs as Pairs
from .pairs import distinct as distinct
from .pairs import pairwise_distances as pairwise_distances
from .sample import Sample as Sample
from .sample import check_samples as check_samples
from .sample import one_thread as one_thread
from .sample import shares as shares
