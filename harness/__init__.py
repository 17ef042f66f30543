"""The engine of the benchmark: it knows no method and no data set by name."""
