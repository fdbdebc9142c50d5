"""A guild that is slow, a fleet that changes to frames, and what tracing costs it.

Run it with `make demo`. It exits 1 if anything that it says did not happen.
"""

from typing import TYPE_CHECKING

from tracewire.spec.tool.cli import run

if TYPE_CHECKING:
    import click


def load() -> "click.Command":
    from .play import demo

    return demo


if __name__ == "__main__":
    run(load, "python -m examples.guild.run")  # which ends it as it ends the tool
