from pathlib import Path

import pytest

from devcluster import build, programs
from devcluster.errors import DevclusterError
from devcluster.golang import parse_version
from devcluster.progress import say

KUBERNETES_GO_MOD = """module k8s.io/kubernetes

require (
	k8s.io/api v0.0.0
	k8s.io/utils v0.0.0-20260626114624-be93311217bd
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
)
"""


def test_a_cluster_without_a_node_needs_only_the_control_plane() -> None:
    assert programs.wanted(node=False) == ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
    assert {"kubelet", "containerd", "cni/bridge", "helm", "pause"} < set(programs.wanted(node=True))


def test_what_is_asked_for_is_built_last_and_only_then() -> None:
    plain = programs.wanted(node=True)
    assert not set(programs.ADDONS) & set(plain)
    assert programs.wanted(node=True, addons=["kueue"]) == (*plain, "kueue")
    assert programs.wanted(node=True, addons=programs.ADDONS) == (*plain, *programs.ADDONS)
    assert programs.TOOLS == ("prometheus-operator", "prometheus-discovery")
    assert not set(programs.TOOLS) & {*plain, *programs.ADDONS}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a Go of ours says a module is in; it compiles all that it is asked to."""
    go = tmp_path / "go"
    cases = (
        "version) echo go version go1.99.0",
        f"""mod) echo '{{"Dir": "{tmp_path}/module"}}'""",
        'build) touch "$8"; chmod +x "$8"',
    )
    go.write_text(f"#!/bin/sh\ncase $1 in {' ;; '.join(cases)} ;; esac\n")
    go.chmod(0o755)
    monkeypatch.delenv(build.PROGRAMS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "module"


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(0o444)


def test_a_chart_is_copied_from_the_module_without_what_it_depends_on(module: Path) -> None:
    _put(
        module / "charts" / "kueue" / "Chart.yaml",
        "name: kueue\ndependencies:\n- name: other\n  version: 1.0\n- name: third\n\nversion: 2.0\n",
    )
    copied = build.chart_folder(build.ensure(["kueue"], say), "kueue") / "Chart.yaml"
    assert copied.read_text() == "name: kueue\n\nversion: 2.0\n"
    assert copied.stat().st_mode & 0o200, "the next build may write over it"


def test_manifests_are_copied_from_the_module_as_they_are(module: Path) -> None:
    _put(module / "example" / "prometheus-operator-crd" / "podmonitors.yaml", "kind: CustomResourceDefinition\n")
    folder = build.manifests_folder(build.ensure(["prometheus-operator"], say), "prometheus-operator")
    assert (folder / "podmonitors.yaml").read_text() == "kind: CustomResourceDefinition\n"


def test_staging_modules_are_replaced_by_their_published_versions() -> None:
    version = "v0." + programs.KUBERNETES_VERSION.split(".", 1)[1]
    expected = (("k8s.io/api", version), ("k8s.io/client-go", version))
    assert programs.staging_replaces(KUBERNETES_GO_MOD) == expected


def test_go_mod_of_kubernetes_requires_it_and_replaces_its_staging_modules() -> None:
    group, _ = programs.find("kubelet")
    assert programs.go_mod(group, (("k8s.io/api", "v0.37.2"),)) == (
        f"module tintype.dev/devcluster/kubernetes\n\ngo {programs.GO_VERSION}\n\n"
        f"require k8s.io/kubernetes v{programs.KUBERNETES_VERSION}\n\n"
        "replace k8s.io/api => k8s.io/api v0.37.2\n"
    )


def test_programs_report_the_version_that_they_are() -> None:
    flags = programs.link_flags(programs.find("kubectl")[0])
    assert f"-X k8s.io/component-base/version.gitVersion=v{programs.KUBERNETES_VERSION}" in flags


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/arm64", (1, 27, 0)),
        ("go version devel", ()),
    ],
)
def test_version_of_go(output: str, version: tuple[int, ...]) -> None:
    assert parse_version(output) == version


def test_a_named_folder_of_programs_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(build.PROGRAMS_VARIABLE, str(tmp_path))
    (tmp_path / "etcd").touch(mode=0o755)
    assert build.ensure(["etcd"], say) == tmp_path


def test_a_named_folder_that_lacks_programs_is_refused_with_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(build.PROGRAMS_VARIABLE, str(tmp_path))
    with pytest.raises(DevclusterError, match=r"lacks etcd, cni/bridge: add them"):
        build.ensure(["etcd", "cni/bridge"], say)


def test_programs_that_are_in_the_cache_are_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(build.PROGRAMS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = build.cache_folder()
    folder.mkdir(parents=True)
    (folder / "etcd").touch(mode=0o755)
    assert build.ensure(["etcd"], say) == folder
    assert [path.name for path in folder.iterdir()] == ["etcd"]


def test_a_program_that_does_not_compile_is_named_with_what_go_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\n[ $1 = version ] && echo go version go1.99.0 && exit\necho it is broken >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.delenv(build.PROGRAMS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(DevclusterError, match="etcd could not be compiled: it is broken"):
        build.ensure(["etcd"], say)
    assert not (build.cache_folder() / "etcd").exists()
