"""Protocols: what trains, what is tested, over which classes."""
