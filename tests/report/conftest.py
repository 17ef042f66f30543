"""Shared: each test draws from a generator of its own, whatever ran before it."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
