"""One connection between two peers, without input or output: no event loop and no OpenTelemetry."""
