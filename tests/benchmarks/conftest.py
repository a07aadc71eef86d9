"""The benchmarks are not installed: they are found in the project's folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
