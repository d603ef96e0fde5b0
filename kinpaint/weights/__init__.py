"""Weights that others trained: their files, read without their frameworks, and their names."""
