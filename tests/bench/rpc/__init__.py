"""Calls between two processes: ours, a bare echo to be measured against, and grpc.aio."""
