"""The search for hyperparameters within the protocol: spaces, trials, and what is chosen."""
