"""The command `tracewire`."""
