"""The specification, its numbers and vectors, and the tool that checks bytes against it."""
