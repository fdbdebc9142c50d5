"""The addresses of a sweep, each with its event loop."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from tests.interop.places import Certificates, Place, make_certificates, place_of

LOOPS = {"asyncio": None, "uvloop": uvloop.new_event_loop}
#: By scheme and loop.
PLACES = [f"{scheme}-{loop}" for scheme in ("tcp", "tls", "unix", "memory") for loop in LOOPS]


@pytest.fixture(scope="session", autouse=True)
def _small_heap() -> Iterator[None]:
    """The collection after each run need not look at all that was imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path, certificates: Certificates) -> Place:
    return place_named(request.param, tmp_path, certificates)


def place_named(name: str, folder: Path, certificates: Certificates) -> Place:
    """One of `PLACES`."""
    scheme, _, loop = name.partition("-")
    found = place_of(scheme, folder, certificates if scheme == "tls" else None)
    new_loop = LOOPS[loop]
    return found if new_loop is None else replace(found, new_loop=new_loop)
