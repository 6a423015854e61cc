"""A folder per concept: which files are pictures of what."""

import pytest

from tintype_trainer.datasets.folders import FolderImage, is_picture, read_folders
from tintype_trainer.storage import ObjectInfo


@pytest.mark.parametrize("prefix", ["s3://data/bottles/", "file:///data/bottles/"])
def test_reads_in_order_of_ids(prefix: str) -> None:
    paths = ["metal/b.png", "glass/deep/er/a.JPG", "top.png", "glass/notes.txt", "glass/.hidden.png", ".git/x.png"]
    listing = read_folders([ObjectInfo(prefix + path, 1) for path in paths], prefix)
    assert listing.images == (
        FolderImage("glass/deep/er/a.JPG", prefix + "glass/deep/er/a.JPG", "glass"),
        FolderImage("metal/b.png", prefix + "metal/b.png", "metal"),
        FolderImage("top.png", prefix + "top.png", None),
    )
    assert listing.others == 3


def test_ids_are_not_encoded() -> None:
    encoded = read_folders([ObjectInfo("file:///d/brown%20glass/50%25.png", 1)], "file:///d/")
    plain = read_folders([ObjectInfo("s3://d/brown glass/50%.png", 1)], "s3://d/")
    assert [image.id for image in (*encoded.images, *plain.images)] == ["brown glass/50%.png"] * 2


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.jpeg", "a.PNG", "a.bmp", "a.tif", "a.tiff", "a.webp", "a.b.png"])
def test_pictures(name: str) -> None:
    assert is_picture("glass/" + name)


@pytest.mark.parametrize("name", ["a.txt", "png", "a.png.json", ".a.png", "a.gif", "a.heic"])
def test_no_pictures(name: str) -> None:
    assert not is_picture("glass/" + name)
