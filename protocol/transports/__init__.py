"""Ways to reach a peer: one row a scheme in schemes.py, and what the rows consist of."""
