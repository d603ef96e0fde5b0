"""Fixtures shared by the tests of this folder."""

from tests.exported import exported, fourier, model, pluralistic, tiny_network  # noqa: F401
