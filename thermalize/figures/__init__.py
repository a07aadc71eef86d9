"""Every figure of the report: drawn by matplotlib, turned into inline SVG."""

from .behaviours import calibration_picture as calibration_picture
from .behaviours import entropy_picture as entropy_picture
from .behaviours import scalar_pictures as scalar_pictures
from .diagnostics import energy_picture as energy_picture
from .diagnostics import function_space_pictures as function_space_pictures
from .diagnostics import scalar_diagnostics as scalar_diagnostics
from .regression import band_picture as band_picture
from .regression import coverage_picture as coverage_picture
from .regression import residual_picture as residual_picture
from .svg import Picture as Picture
from .theme import DARK as DARK
from .theme import LIGHT as LIGHT
from .theme import Look as Look
from .theme import css_variables as css_variables
from .theme import drawing as drawing
from .theme import looks as looks
from .training import Losses as Losses
from .training import loss_pictures as loss_pictures
