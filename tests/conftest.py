"""What all tests share: where the repository is, and the same examples from hypothesis in every run."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "simsys", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("simsys")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working copy."""
    return Path(__file__).parents[1]
