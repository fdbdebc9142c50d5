"""What the unit tests share and takes the codec."""

from types import ModuleType
from typing import Any

import pytest

from tests.unit.checks import SPAN_ID, TRACE_ID
from tests.unit.talk import Maker, Talk, meet


@pytest.fixture(scope="session")
def sampled(codec: ModuleType) -> Any:
    """A sampled TraceContext without a state."""
    return codec.TraceContext(TRACE_ID, SPAN_ID, 1)


@pytest.fixture(params=[pytest.param(1 << 20, id="at-once"), pytest.param(1, id="bytewise")])
def fresh(request: pytest.FixtureRequest) -> Maker:
    """Makes a connection that has heard nothing yet, by Talk's options."""

    def make(**options: Any) -> Talk:
        return Talk(request.param, **options)

    return make


@pytest.fixture
def met(fresh: Maker) -> Maker:
    """Makes a connection whose sides said hello; by default one that was accepted."""

    def make(**options: Any) -> Talk:
        return meet(fresh(**options))

    return make
