"""`tracewire validate`, `explain` and `rules`: bytes and the specification's rules."""
