"""The compiled half: `_speedups`, one extension module."""
