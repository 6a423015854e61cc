"""The command lines of etcd, the API server, the controller manager and the scheduler."""

from devcluster.plan import SERVICE_RANGE, Plan


def etcd(plan: Plan) -> list[str]:
    """Return etcd's command: no fsync, since the data does not outlive the cluster."""
    client, peer = (f"http://127.0.0.1:{plan.port(name)}" for name in ("etcd", "etcd_peer"))
    return [
        "etcd",
        f"--data-dir={plan.state / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def apiserver(plan: Plan) -> list[str]:
    """Return the API server's command, with RBAC, node authorization and aggregated APIs as in a production cluster."""
    pki = plan.state / "pki"
    return [
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{plan.port('etcd')}",
        f"--secure-port={plan.port('apiserver')}",
        f"--bind-address={'0.0.0.0' if plan.node else plan.address}",  # noqa: S104 (of the box)
        f"--advertise-address={plan.address}",
        # Without a node nobody uses the Service address, and a loopback address is refused as its endpoint.
        *([] if plan.node else ["--endpoint-reconciler-type=none"]),
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--service-account-key-file={pki / 'service-accounts.key'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        # The node's name is in no DNS.
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy.key'}",
    ]


def controller_manager(plan: Plan) -> list[str]:
    """Return the controller manager's command."""
    config = plan.state / "controller-manager.kubeconfig"
    return [
        "kube-controller-manager",
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        f"--service-account-private-key-file={plan.state / 'pki' / 'service-accounts.key'}",
        f"--root-ca-file={plan.state / 'pki' / 'ca.crt'}",
        "--use-service-account-credentials",
        # The default of 20 requests a second holds its start up for five seconds.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def scheduler(plan: Plan) -> list[str]:
    """Return the scheduler's command."""
    return [
        "kube-scheduler",
        f"--kubeconfig={plan.state / 'scheduler.kubeconfig'}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
