"""On a GPU, and small on a CPU: marked `gpu`, run by `make gpu`."""
