"""The training loop, losses, weight averaging and checkpoints."""
