"""Peers on asyncio: calls over connections, and what serves them."""
