"""What writes the generated files of this folder's parent. It is not installed."""
