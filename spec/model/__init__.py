"""The model of the rollout, and what searches it."""
