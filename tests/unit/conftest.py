"""What the unit tests share and takes the codec."""

from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import SPAN_ID, TRACE_ID


@pytest.fixture(scope="session")
def sampled(codec: ModuleType) -> Any:
    """A sampled TraceContext without a state."""
    return codec.TraceContext(TRACE_ID, SPAN_ID, 1)
