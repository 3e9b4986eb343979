"""What every test shares: the folder of real open data, and the marker of tests that need it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``shared``, saying why, where ``../shared`` is absent."""
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason=f"needs the open-data files in {SHARED}, which is absent here")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real open-data files (``data``) and reference outputs (``reference``)."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the open-data files in {SHARED}, which is absent here")
    return SHARED
