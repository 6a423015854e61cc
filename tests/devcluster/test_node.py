import io
import json
import os
import signal
import tarfile
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from devcluster import box, cgroups, images, kernel, node, packages, processes, programs, runc_wrapper
from devcluster.errors import DevclusterError
from devcluster.plan import Plan

PLAN = Plan(Path("/state"), Path("/programs"), 7, True, 1, "access", "secret")


def _members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: member for member in archive}


def _read(content: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def test_archive_is_what_docker_load_reads() -> None:
    content = images.archive([images.pause_image(b"program"), images.development_image("tintype-trainer:dev")])
    manifest = json.loads(_read(content, "manifest.json"))
    assert [entry["RepoTags"] for entry in manifest] == [["localhost/pause:1"], ["tintype-trainer:dev"]]
    for entry in manifest:
        config = json.loads(_read(content, entry["Config"]))
        digest = entry["Layers"][0].split("/")[0]
        assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]


def test_images_are_the_same_bytes_each_time() -> None:
    assert images.archive([images.pause_image(b"p")]) == images.archive([images.pause_image(b"p")])


def test_development_images_hold_only_folders_and_run_as_nobody() -> None:
    image = images.development_image("tintype-operator:dev")
    assert all(member.isdir() for member in _members(image.layer).values())
    assert image.config["User"] == "65532:65532"


def test_development_images_are_of_the_same_bytes_but_their_name() -> None:
    content = images.archive([images.development_image(name) for name in images.DEVELOPMENT_IMAGES])
    assert len([name for name in _members(content) if name.endswith("layer.tar")]) == 1


def test_the_pause_program_can_be_executed() -> None:
    member = _members(images.pause_image(b"program").layer)["pause"]
    assert (member.mode, member.size) == (0o755, 7)


def test_an_addons_image_has_its_version_and_its_program_where_its_makers_put_it() -> None:
    image = images.addon_image("kueue", b"program")
    assert image.reference == f"localhost/kueue:{programs.KUEUE_VERSION}"
    assert _members(image.layer)["manager"].mode == 0o755
    assert image.config["Entrypoint"] == ["/manager"]


def test_pods_are_told_of_a_name_server_only_where_there_is_one() -> None:
    assert "clusterDNS" not in node.kubelet_config(PLAN)
    config = node.kubelet_config(replace(PLAN, addons=("coredns",)))
    assert (config["clusterDNS"], config["clusterDomain"]) == (["10.0.0.10"], "cluster.local")


def test_containerd_has_a_plain_runtime_by_default_and_one_for_development() -> None:
    config = tomllib.loads(node.containerd_config(PLAN))
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["containerd"]["default_runtime_name"] == "runc"
    assert "base_runtime_spec" not in runtime["containerd"]["runtimes"]["runc"]
    assert runtime["containerd"]["runtimes"]["tintype-dev"]["base_runtime_spec"] == "/state/development-spec.json"
    assert runtime["restrict_oom_score_adj"] is True


def test_the_development_runtime_mounts_folders_read_only() -> None:
    spec = node.development_spec({"root": {}, "mounts": [{"destination": "/proc"}]}, ["/usr"])
    assert spec["mounts"][0] == {"destination": "/proc"}
    assert spec["mounts"][1]["options"] == ["rbind", "ro"]


def test_no_image_is_removed_and_no_pod_evicted_for_a_disk_that_others_fill() -> None:
    config = node.kubelet_config(PLAN)
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["evictionHard"]["nodefs.available"] == "1%"


def test_gpus_are_in_capacity_and_allocatable() -> None:
    assert [(entry["path"], entry["value"]) for entry in node.gpu_patch(4)] == [
        ("/status/capacity/nvidia.com~1gpu", "4"),
        ("/status/allocatable/nvidia.com~1gpu", "4"),
    ]


def test_volumes_are_mounted_before_what_lies_in_them() -> None:
    mounts = [{"destination": path} for path in ("/proc", "/tmp/clone", "/usr", "/tmp", "/dev")]
    ordered = runc_wrapper.outer_first({"mounts": mounts, "process": 1})
    assert [mount["destination"] for mount in ordered["mounts"]] == ["/proc", "/usr", "/tmp", "/dev", "/tmp/clone"]
    assert ordered["process"] == 1


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["--root", "/r", "create", "--bundle", "/b", "id"], Path("/b")),
        (["--root", "/r", "delete", "id"], None),
    ],
)
def test_only_created_containers_are_touched(arguments: list[str], folder: Path | None) -> None:
    assert runc_wrapper.bundle(arguments) == folder


V1 = """31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.mark.parametrize(
    ("mountinfo", "mount_points", "v2"),
    [
        (V1, {"/sys/fs/cgroup/cpu": "cgroup", "/sys/fs/cgroup/unified": "cgroup2"}, False),
        (V2, {"/sys/fs/cgroup": "cgroup2"}, True),
    ],
)
def test_cgroup_versions_are_told_apart(mountinfo: str, mount_points: dict[str, str], v2: bool) -> None:
    found = cgroups.mount_points(mountinfo)
    assert found == mount_points
    assert cgroups.is_v2(found) is v2


@pytest.mark.parametrize("folder", ["/run/user/0/state", "/var/lib/jenkins/state"])
def test_state_where_the_box_would_not_see_it_is_refused(folder: str) -> None:
    with pytest.raises(DevclusterError, match="name another with --state"):
        box.refuse_hidden(Path(folder))


def test_without_root_one_sentence_names_the_two_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DevclusterError, match=r"needs root.*`tintype run FILE`.*docs/install/"):
        box.require_root()


def test_what_the_kernel_refuses_is_named() -> None:
    with pytest.raises(DevclusterError, match=r"refused the mount of no-such-fs at /none .*`tintype run FILE`"):
        kernel.mount("none", "/none", "no-such-fs")


def test_packages_that_cannot_be_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing_packages", lambda: ["runc", "nftables"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DevclusterError, match="A node needs runc nftables"):
        packages.ensure_packages(print)


@pytest.mark.parametrize(
    ("status", "how"), [(256, "ended with exit code 1"), (signal.SIGKILL, "was killed by SIGKILL")]
)
def test_the_end_of_a_process_is_said_with_its_last_words(status: int, how: str, tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("starting\nno space left\n\n")
    sentence = processes.exit_sentence("etcd", status, log)
    assert sentence == f"etcd {how}, which ends the cluster; the last line of {log} is: no space left"


def test_nothing_of_the_users_environment_reaches_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert set(processes.environment(PLAN)) == {"PATH", "HOME", "LANG"}
