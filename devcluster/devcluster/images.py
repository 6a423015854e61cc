"""Images made on the spot: Kubernetes' pause image, and the thin development images, which hold only empty folders.

The format is that of `docker save`: one tar with a manifest, a configuration and one layer for each image.
"""

import hashlib
import io
import json
import platform
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devcluster.programs import COREDNS_VERSION, JOBSET_VERSION, KUBEFLOW_TRAINER_VERSION, KUEUE_VERSION

PAUSE_IMAGE = "localhost/pause:1"
_ADDONS = {  # path in the image, tag
    "coredns": ("coredns", COREDNS_VERSION),
    "kueue": ("manager", KUEUE_VERSION),
    "jobset": ("manager", JOBSET_VERSION),
    "kubeflow-trainer": ("manager", KUBEFLOW_TRAINER_VERSION),
}
DEVELOPMENT_IMAGES = ("tintype-operator:dev", "tintype-trainer:dev")
_USER = "65532:65532"  # numeric, so that runAsNonRoot can be checked
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """An image of one layer."""

    reference: str
    layer: bytes
    config: Mapping[str, object] = field(default_factory=dict)  # as in an OCI image configuration


def layer(folders: Mapping[str, int], files: Mapping[str, bytes]) -> bytes:
    """Return an uncompressed tar of folders with their modes and of executable files, the same bytes each time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, mode in folders.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, content in files.items():
            _add(archive, name, content, 0o755)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _configuration(image: Image) -> dict[str, Any]:
    digest = hashlib.sha256(image.layer).hexdigest()
    return {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": dict(image.config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created_by": "devcluster"}],
    }


def archive(images: Sequence[Image]) -> bytes:
    """Return the images as one `docker save` tar."""
    buffer, manifest = io.BytesIO(), []
    added: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w") as result:
        for image in images:
            config = json.dumps(_configuration(image), sort_keys=True).encode()
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            layer_name = f"{hashlib.sha256(image.layer).hexdigest()}/layer.tar"
            for name, content in ((config_name, config), (layer_name, image.layer)):
                if name not in added:
                    _add(result, name, content)
                    added.add(name)
            manifest.append({"Config": config_name, "RepoTags": [image.reference], "Layers": [layer_name]})
        _add(result, "manifest.json", json.dumps(manifest).encode())
    return buffer.getvalue()


def pause_image(program: bytes) -> Image:
    """Return the image of the process that holds a Pod's namespaces open; the program is static."""
    return Image(PAUSE_IMAGE, layer({}, {"pause": program}), {"Entrypoint": ["/pause"], "User": _USER})


def development_image(reference: str) -> Image:
    """Return an image of empty folders, whose programs are found in the environment that the runtime mounts."""
    environment = [
        f"PATH={Path(sys.prefix).absolute()}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME=/tmp",
        "LANG=C.UTF-8",
        "PYTHONDONTWRITEBYTECODE=1",
    ]
    return Image(reference, layer({"etc": 0o755, "tmp": 0o1777}, {}), {"Env": environment, "User": _USER})


def addon_reference(name: str) -> str:
    """Return the reference of the image of one of programs.ADDONS."""
    return f"localhost/{name}:{_ADDONS[name][1]}"


def addon_image(name: str, program: bytes) -> Image:
    """Return the image of one of programs.ADDONS; the program is static, and lies where its makers put it."""
    path = _ADDONS[name][0]
    return Image(addon_reference(name), layer({}, {path: program}), {"Entrypoint": [f"/{path}"], "User": _USER})


def node_images(programs: Path, addons: Sequence[str]) -> bytes:
    """Return the tar of all images that a node starts with."""
    pause = pause_image((programs / "pause").read_bytes())
    asked_for = [addon_image(name, (programs / name).read_bytes()) for name in addons]
    return archive([pause, *map(development_image, DEVELOPMENT_IMAGES), *asked_for])
