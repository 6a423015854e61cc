"""Detectors for tests."""

from tintype_api.architecture import Architecture
from tintype_api.catalogue import CATALOGUE


def detector_entry(name: str) -> Architecture:
    """Return a detector's entry of the catalogue."""
    return CATALOGUE[name]
