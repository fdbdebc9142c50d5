"""`python -m tracewire` runs the tool."""

from tracewire.spec.tool.cli import main

main("python -m tracewire")
