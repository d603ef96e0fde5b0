"""Fixtures shared by the tests of this folder."""

from tests.exported import exported, model, tiny_network  # noqa: F401
