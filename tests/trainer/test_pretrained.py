"""Where pretrained weights are found."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tintype_api.architecture import PretrainedWeights
from tintype_api.catalogue import CATALOGUE, architecture
from tintype_api.errors import UserError
from tintype_trainer.networks.pretrained import check_licence, find_weights, known_weights
from tintype_trainer.storage import Store

WEIGHTS = replace(CATALOGUE["resnet18"].weights["ImageNet"], sha256="")
CONTENT = b"weights"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a server of the folder `served`."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / f"{WEIGHTS.file}.pth").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def find(weights: PretrainedWeights, folder: Path, **environment: str) -> tuple[bytes, str]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    found = find_weights(weights, Store.from_settings(environment={}), work, environment)
    return found.path.read_bytes(), found.source


def test_the_library_is_asked_last(served: str, tmp_path: Path) -> None:
    weights = replace(WEIGHTS, url=f"{served}/{WEIGHTS.file}.pth")
    image = tmp_path / "image"
    image.mkdir()
    assert find(weights, tmp_path, TINTYPE_WEIGHTS_FOLDER=str(image)) == (CONTENT, weights.url)
    (image / f"{WEIGHTS.file}.safetensors").write_bytes(b"of the image")
    assert find(weights, tmp_path, TINTYPE_WEIGHTS_FOLDER=str(image))[0] == b"of the image"


def test_a_mirror_may_be_a_web_server_with_the_librarys_own_names(served: str, tmp_path: Path) -> None:
    content, source = find(WEIGHTS, tmp_path, TINTYPE_WEIGHTS_MIRROR=served)
    assert (content, source) == (CONTENT, f"{served}/{WEIGHTS.file}.pth")


def test_what_a_server_answers_is_said(served: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be reached .*answers 404") as caught:
        find(replace(WEIGHTS, url=f"{served}/none.pth"), tmp_path)
    assert caught.value.exit_code == 66


def test_a_download_is_compared_with_the_digest_in_its_name(served: str, tmp_path: Path) -> None:
    weights = replace(WEIGHTS, url=f"{served}/{WEIGHTS.file}.pth", sha256="f37072fd")
    with pytest.raises(UserError, match=r"not f37072fd"):
        find(weights, tmp_path)


@pytest.mark.parametrize(
    ("name", "tag", "licence"),
    [
        ("timm/resnet18d", "resnet18d.ra2_in1k", "apache-2.0"),
        ("timm/convnextv2_nano", "convnextv2_nano.fcmae_ft_in22k_in1k", "cc-by-nc-4.0"),
    ],
)
def test_timm_says_which_weights_a_name_of_its_has(name: str, tag: str, licence: str) -> None:
    weights = known_weights(architecture(name), "ImageNet")
    assert (weights.tag, weights.licence) == (tag, licence)
    assert weights.url == f"https://huggingface.co/timm/{tag}/resolve/main/model.safetensors"
    if licence != "apache-2.0":
        with pytest.raises(UserError, match=licence):
            check_licence(weights, {})
        check_licence(weights, {"TINTYPE_WEIGHTS_LICENCES": licence})
    else:
        check_licence(weights, {})
