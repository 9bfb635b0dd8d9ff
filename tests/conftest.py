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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first, so that the other worker has all the rest to do meanwhile."""
    items.sort(key=lambda item: item.name != "test_a_scenario_prints_what_is_kept[celebrity]")
