"""`python -m tracewire` runs the tool."""

from tracewire.spec.cli import main

main("python -m tracewire")
