"""The certification suite: samplers against laws that are known exactly, and the mutants it must catch."""
