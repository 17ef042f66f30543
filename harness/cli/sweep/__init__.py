"""``sweep``: run a sweep file, here or on a Slurm cluster."""
