"""How large a region of parameters is: evidence, learning coefficients, basins, dimensions, cuts."""

from .basin import Basin as Basin
from .basin import basin_difference as basin_difference
from .basin import basin_volume as basin_volume
from .cutting import Cut as Cut
from .cutting import cuttable_share as cuttable_share
from .effective_dimension import EffectiveDimension as EffectiveDimension
from .effective_dimension import effective_dimension as effective_dimension
from .estimate import Estimate as Estimate
from .fitting import FitEvidence as FitEvidence
from .fitting import fit_evidence as fit_evidence
from .learning_coefficient import LearningCoefficient as LearningCoefficient
from .learning_coefficient import langevin_step_size as langevin_step_size
from .learning_coefficient import learning_coefficient as learning_coefficient
from .relax import relaxed as relaxed
from .sharper import scaled_last_layer as scaled_last_layer
from .singular import Coefficient as Coefficient
from .singular import normal_crossing_coefficient as normal_crossing_coefficient
from .singular import reduced_rank_coefficient as reduced_rank_coefficient
from .thermodynamic import TemperedEvidence as TemperedEvidence
from .thermodynamic import thermodynamic_evidence as thermodynamic_evidence
