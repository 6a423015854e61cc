"""What the tests of the release need: the images, as `make e2e` has built them."""

import os
from pathlib import Path

import pytest

IMAGES_VARIABLE = "TINTYPE_E2E_IMAGES"


@pytest.fixture(scope="session")
def images() -> dict[str, Path]:
    """The two images, and the operator of the version before, as `docker save` has written them."""
    folder = os.environ.get(IMAGES_VARIABLE)
    assert folder, f"{IMAGES_VARIABLE} names no folder with the images: run `make e2e`, which builds them"
    return {name: Path(folder) / f"{name}.tar" for name in ("operator", "trainer", "operator-before")}
