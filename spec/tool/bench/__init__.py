"""`tracewire bench`: what context costs on a machine."""
