"""The test vectors: each module states some cases, and generate.py writes the files."""
