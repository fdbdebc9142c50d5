"""Old and new peers pass messages to each other through a relay, and every delivery is checked.

Run it with `make demo`. It exits 1 if any delivery is not as the specification says.
"""

from typing import TYPE_CHECKING

from tracewire.spec.tool.cli import run

if TYPE_CHECKING:
    import click


def load() -> "click.Command":
    from .play import demo

    return demo


if __name__ == "__main__":
    run(load, "python -m examples.demo.run")  # which ends it as it ends the tool
