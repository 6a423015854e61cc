"""Which programs a cluster is made of, and the Go modules they are built from.

No single Go module resolves for all of them, so there are groups; each is a small module of ours that requires the
real ones.
"""

import hashlib
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from devcluster.mains import ETCD, PAUSE, PROMETHEUS_DISCOVERY

GO_VERSION = "1.26.6"  # the highest `go` line among the modules below
KUBERNETES_VARIABLE = "TINTYPE_KUBERNETES"
NEWEST_KUBERNETES_VERSION = "1.37.2"
OLDEST_KUBERNETES_VERSION = "1.34.4"
KUBERNETES_VERSION = os.environ.get(KUBERNETES_VARIABLE) or NEWEST_KUBERNETES_VERSION
CONTAINERD_VERSION = "2.4.2"
KUEUE_VERSION = "0.19.2"
COREDNS_VERSION = "1.14.2"
JOBSET_VERSION = "0.12.0"
KUBEFLOW_TRAINER_VERSION = "2.3.0"
PROMETHEUS_OPERATOR_VERSION = "0.88.0"

# Kubernetes replaces its staging modules by folders of its own checkout; they are published as v0.<minor>.<patch>.
_STAGING = re.compile(r"^\s*(?:replace\s+)?(k8s\.io/\S+)\s*=>\s*\./staging/", re.MULTILINE)
_STAGING_VERSION = "v0." + KUBERNETES_VERSION.split(".", 1)[1]


@dataclass(frozen=True)
class Program:
    """One executable: its file name below the programs folder, the Go package, the seconds it takes on two cores."""

    name: str
    package: str
    estimate_s: int
    node: bool = False  # needed only where there is a node
    addon: bool = False  # needed only where it is asked for, by its name
    tool: bool = False  # runs on this machine beside a cluster, for those who ask for it, by its name


@dataclass(frozen=True)
class Group:
    """A Go module of ours: what it requires, what it sets at link time, and the programs built from it, in order."""

    name: str
    programs: tuple[Program, ...]
    requires: tuple[tuple[str, str], ...] = ()
    link_values: tuple[tuple[str, str], ...] = field(default=())
    main: str | None = None
    chart: str | None = None  # the folder of a helm chart in the first module required
    manifests: str | None = None  # the folder of others' manifests in it


_VERSION = "k8s.io/component-base/version."
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")

GROUPS = (
    Group(
        "etcd",
        (Program("etcd", ".", 60),),
        requires=(("go.etcd.io/etcd/server/v3", "v3.7.3"),),
        main=ETCD,
    ),
    Group(
        "kubernetes",
        (
            Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", 390),
            Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", 130),
            Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", 30),
            Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler", 15, node=True),
            Program("kubelet", "k8s.io/kubernetes/cmd/kubelet", 40, node=True),
            Program("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy", 20, node=True),
        ),
        requires=(("k8s.io/kubernetes", f"v{KUBERNETES_VERSION}"),),
        link_values=(
            (f"{_VERSION}gitVersion", f"v{KUBERNETES_VERSION}"),
            (f"{_VERSION}gitMajor", _MAJOR),
            (f"{_VERSION}gitMinor", _MINOR),
        ),
    ),
    Group(
        "containerd",
        (
            Program("containerd", "github.com/containerd/containerd/v2/cmd/containerd", 80, node=True),
            Program(
                "containerd-shim-runc-v2",
                "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
                10,
                node=True,
            ),
            Program("ctr", "github.com/containerd/containerd/v2/cmd/ctr", 15, node=True),
            Program("cni/bridge", "github.com/containernetworking/plugins/plugins/main/bridge", 10, node=True),
            Program("cni/loopback", "github.com/containernetworking/plugins/plugins/main/loopback", 2, node=True),
            Program("cni/host-local", "github.com/containernetworking/plugins/plugins/ipam/host-local", 3, node=True),
        ),
        requires=(
            ("github.com/containerd/containerd/v2", f"v{CONTAINERD_VERSION}"),
            ("github.com/containernetworking/plugins", "v1.9.1"),
        ),
        link_values=(("github.com/containerd/containerd/v2/version.Version", f"v{CONTAINERD_VERSION}"),),
    ),
    Group(
        "helm",
        (Program("helm", "helm.sh/helm/v4/cmd/helm", 130, node=True),),
        requires=(("helm.sh/helm/v4", "v4.3.1"),),
    ),
    Group("pause", (Program("pause", ".", 2, node=True),), main=PAUSE),
    Group(
        "coredns",
        (Program("coredns", "github.com/coredns/coredns", 150, node=True, addon=True),),
        requires=(("github.com/coredns/coredns", f"v{COREDNS_VERSION}"),),
    ),
    Group(
        "kueue",
        (Program("kueue", "sigs.k8s.io/kueue/cmd/kueue", 330, node=True, addon=True),),
        requires=(("sigs.k8s.io/kueue", f"v{KUEUE_VERSION}"),),
        link_values=(("sigs.k8s.io/kueue/pkg/version.GitVersion", f"v{KUEUE_VERSION}"),),
        chart="charts/kueue",
    ),
    Group(
        "jobset",
        (Program("jobset", "sigs.k8s.io/jobset", 135, node=True, addon=True),),
        requires=(("sigs.k8s.io/jobset", f"v{JOBSET_VERSION}"),),
        chart="charts/jobset",
    ),
    Group(
        "kubeflow-trainer",
        (
            Program(
                "kubeflow-trainer",
                "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager",
                145,
                node=True,
                addon=True,
            ),
        ),
        requires=(("github.com/kubeflow/trainer/v2", f"v{KUBEFLOW_TRAINER_VERSION}"),),
        chart="charts/kubeflow-trainer",
    ),
    Group(
        "prometheus-operator",
        (
            Program(
                "prometheus-operator",
                "github.com/prometheus-operator/prometheus-operator/cmd/operator",
                160,
                tool=True,
            ),
            Program("prometheus-discovery", ".", 10, tool=True),
        ),
        requires=(
            ("github.com/prometheus-operator/prometheus-operator", f"v{PROMETHEUS_OPERATOR_VERSION}"),
            ("github.com/prometheus/prometheus", "v0.309.1"),
        ),
        link_values=(("github.com/prometheus/common/version.Version", PROMETHEUS_OPERATOR_VERSION),),
        main=PROMETHEUS_DISCOVERY,
        manifests="example/prometheus-operator-crd",
    ),
)


ADDONS = tuple(program.name for group in GROUPS for program in group.programs if program.addon)
"""What runs on a node only where it is asked for."""
TOOLS = tuple(program.name for group in GROUPS for program in group.programs if program.tool)
"""What runs beside a cluster, where it is asked for."""


def wanted(*, node: bool, addons: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the programs that a cluster runs, in the order of building.

    Args:
        node: with a node.
        addons: which of ADDONS run on it.
    """
    programs = (program for group in GROUPS for program in group.programs if not program.tool)
    return tuple(
        program.name for program in programs if (program.name in addons if program.addon else node or not program.node)
    )


def find(name: str) -> tuple[Group, Program]:
    """Return the program of that name with its group; KeyError where there is none."""
    for group in GROUPS:
        for program in group.programs:
            if program.name == name:
                return group, program
    raise KeyError(name)


def staging_replaces(upstream_go_mod: str) -> tuple[tuple[str, str], ...]:
    """Return (module, published version) for each module that Kubernetes' own go.mod takes from its staging folder."""
    return tuple((module, _STAGING_VERSION) for module in _STAGING.findall(upstream_go_mod))


def go_mod(group: Group, replaces: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the text of the go.mod of a group."""
    lines = [f"module tintype.dev/devcluster/{group.name}", "", f"go {GO_VERSION}"]
    lines += ["", *(f"require {module} {version}" for module, version in group.requires)]
    lines += ["", *(f"replace {module} => {module} {version}" for module, version in replaces)]
    return "\n".join(lines).rstrip() + "\n"


def link_flags(group: Group) -> str:
    """Return the value of `go build -ldflags`: no symbol tables, and the versions that the programs report."""
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in group.link_values)])


def digest() -> str:
    """Return twelve hex digits that change whenever a version, a package or a flag here changes."""
    return hashlib.sha256(repr((GO_VERSION, GROUPS)).encode()).hexdigest()[:12]
