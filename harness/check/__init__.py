"""The conformance suite: what a plugin owes the engine, each claim a check that names its fix."""
