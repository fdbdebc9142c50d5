"""Rolling frames out to a fleet, and seeing what a live one does."""
