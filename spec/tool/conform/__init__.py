"""`tracewire conform`: runs the suite and tells what came of it."""
