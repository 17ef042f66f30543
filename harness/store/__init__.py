"""Records of runs: written once, read by everything else."""
