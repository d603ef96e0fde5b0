"""Ablations: a list of runs that differ in few flags, trained, scored and compared."""
