"""Fixtures shared by the tests of this folder."""

from tests.exported import exported, model, pluralistic, tiny_network  # noqa: F401
