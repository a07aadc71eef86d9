"""How large a region of parameters is: evidence, learning coefficients, basins, dimensions, cuts."""

from .estimate import Estimate as Estimate
from .thermodynamic import TemperedEvidence as TemperedEvidence
from .thermodynamic import thermodynamic_evidence as thermodynamic_evidence
