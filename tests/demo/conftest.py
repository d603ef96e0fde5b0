"""Fixtures shared by the tests of this folder."""

from tests.demo.pages import page_url  # noqa: F401
from tests.exported import exported, model, pluralistic, tiny_network  # noqa: F401
