"""Speed measured beside its peers, in turn, on the same cores: ``python -m benchmarks``."""
