"""From a spec to its record: one run, a worker, many workers, a cluster."""
