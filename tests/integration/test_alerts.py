"""Each alert of the chart fires by a real fault, and goes out when it is mended.

A real Prometheus evaluates the chart's rules, with a second for each minute, on what the real operator and real
trainers export. The cluster has no node: trainers run as processes of this machine in the place of their Pods. One
thing is played beyond that: here is no GPU, so a file stands for what the driver of one says.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

import devcluster
from support.dashboards import RULES, rules
from support.faulty_proxy import FaultyProxy, Troubles
from support.kube import Kube, eventually
from support.kubelet_by_hand import TrainerByHand, run_by_hand, until_it_trains
from support.operator_process import ROOT, OperatorProcess, install
from support.played import Played
from support.ports import free_port
from support.prometheus import Prometheus, prometheus
from support.s3 import s3_client
from support.shortened import shortened_rules
from support.storage_proxy import StorageProxy

NAMESPACE = "alerts"
BUCKET = "alerts"
TIMES_SHORTER = 60
WELL = Troubles(refused=0, conflicts=0, lost=0, slow=0, watch_s=3600, ends_after_s=1)
"""An API server without trouble, which ends each watch after a second as others do within a minute."""
SLOW = Troubles(refused=0.15, conflicts=0, lost=0, slow=1, slow_s=2, watch_s=3600, ends_after_s=1, of="/modelversions")
TRAINERS = ("steady", "starved", "diverging", "wrong", "crashing")
LATECOMERS = 150
LARGE = (4000, 4000)
LONG = {"architecture": "mobilenet_v3_small", "epochs": 100_000, "batchSize": 4, "initialWeights": {"source": "Random"}}
SPEC: dict[str, Any] = {
    "spec.view": {"name": "shape", "type": "Classification"},
    "spec.concepts": ["circle", "square", "triangle"],
    "spec.dataset": {"uri": f"s3://{BUCKET}/shapes/shapes.jsonl"},
    "spec.output": {"uri": f"s3://{BUCKET}/models"},
    "spec.imageResizer": {"type": "Fixed", "width": 32, "height": 32},
    "spec.compute": {"gpus": 0, "cpu": "1", "memory": "2Gi"},
    "spec.training": LONG,
}


class Refusing(BaseHTTPRequestHandler):
    """Lets nobody tell it anything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Scene:
    """A Prometheus and all that it watches, and the faults that are made there."""

    def __init__(self, cluster: devcluster.Cluster, folder: Path, stack: ExitStack) -> None:
        self.cluster, self.folder, self.stack = cluster, folder, stack
        self.fired = {rule["alert"]: threading.Event() for rule in rules() if "alert" in rule}
        self.kube = Kube(cluster.kubeconfig)
        stack.callback(self.kube.close)
        kubeconfig = install(cluster, self.kube, [NAMESPACE], folder, {})
        self.api = stack.enter_context(FaultyProxy(kubeconfig, WELL))
        self.storage = stack.enter_context(StorageProxy(cluster.s3_endpoint))
        settings = {"TINTYPE_WORKERS": "2", "TINTYPE_NOTIFY_URL": _refusing(stack)}
        proxied = self.api.kubeconfig_for(kubeconfig, folder / "proxied.kubeconfig")
        self.operator = OperatorProcess(proxied, [NAMESPACE], folder / "log.txt", settings)
        self.operator.start()
        stack.callback(self.operator.stop)
        self.ports = {name: free_port() for name in TRAINERS}
        self.prometheus = self._prometheus()

    def _prometheus(self) -> Prometheus:
        path = self.folder / "rules.yaml"
        path.write_text(yaml.safe_dump(shortened_rules(RULES, TIMES_SHORTER)))
        targets = [f"127.0.0.1:{port}" for port in (self.operator.port, *self.ports.values())]
        scrape = {"job_name": "tintype", "honor_labels": True, "static_configs": [{"targets": targets}]}
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"},
            "rule_files": [str(path)],
            "scrape_configs": [scrape],
        }
        return self.stack.enter_context(prometheus(self.folder, configuration))

    def played(self) -> Played:
        """Return the namespace for one thread."""
        kube = Kube(self.cluster.kubeconfig)
        self.stack.callback(kube.close)
        return Played(kube, NAMESPACE)

    def apply(self, played: Played, name: str, changes: Mapping[str, Any] | None = None) -> None:
        """Create a version of the shapes that is trained for ever."""
        played.apply(name, SPEC | dict(changes or {}))

    def run(self, played: Played, name: str, storage: str | None = None, gpu_busy: int | None = None) -> TrainerByHand:
        """Run a version's Pod; `storage` is the S3 server's URL where it is not the cluster's."""
        environment = self.cluster.environment | {"AWS_ENDPOINT_URL": storage or self.cluster.s3_endpoint}
        trainer = run_by_hand(played, name, self.folder, self.ports[name], environment, gpu_busy)
        self.stack.callback(trainer.close)
        return trainer

    def firing(self, alert: str, **labels: str) -> bool:
        """Return whether an alert fires now."""
        wanted = {"alertname": alert, "alertstate": "firing", **labels}
        matchers = ",".join(f'{name}="{value}"' for name, value in wanted.items())
        return bool(self.prometheus.get("query", query=f"ALERTS{{{matchers}}}")["result"])

    def fires(self, alert: str, within_s: float = 300, **labels: str) -> None:
        """Wait until an alert fires."""
        eventually(lambda: self.firing(alert, **labels), within_s=within_s)
        self.fired[alert].set()

    def goes_out(self, alert: str, within_s: float = 300, **labels: str) -> None:
        """Wait until an alert fires no more."""
        eventually(lambda: not self.firing(alert, **labels), within_s=within_s)


def _refusing(stack: ExitStack) -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


def _fill_bucket(cluster: devcluster.Cluster, folder: Path) -> None:
    s3 = s3_client(cluster)
    s3.create_bucket(Bucket=BUCKET)
    draw = [sys.executable, str(ROOT / "examples" / "shapes" / "draw.py"), str(folder), "--count", "10"]
    subprocess.run(draw, check=True, capture_output=True)
    for path in sorted(folder.rglob("*.*")):
        s3.upload_file(str(path), BUCKET, f"shapes/{path.relative_to(folder)}")
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.resize(LARGE).save(path)
        s3.upload_file(str(path), BUCKET, f"large/{path.relative_to(folder)}")
    s3.put_object(Bucket=BUCKET, Key="wrong.jsonl", Body=b"no JSON\n")


def gpu_and_storage(scene: Scene) -> None:
    """The driver says that the GPU does nothing; then S3 is away for longer than a request is retried."""
    played = scene.played()
    scene.apply(played, "steady")
    steady = scene.run(played, "steady", storage=scene.storage.url, gpu_busy=2)
    until_it_trains(played, "steady")
    scene.fires("TintypeGPUIdle", modelversion="steady")
    steady.gpu_is_busy(93)
    scene.goes_out("TintypeGPUIdle")
    scene.storage.is_stopped = True
    for alert in ("TintypeCheckpointFailing", "TintypeStorageFailing"):
        scene.fires(alert, modelversion="steady")
    scene.storage.is_stopped = False
    for alert in ("TintypeCheckpointFailing", "TintypeStorageFailing"):
        scene.goes_out(alert)
    assert steady.process.poll() is None, steady.said()


def data_and_progress(scene: Scene) -> None:
    """Pictures are so large that each step waits for them; then the trainer is stopped as by a frozen container."""
    played = scene.played()
    scene.apply(played, "starved", {"spec.dataset": {"uri": f"s3://{BUCKET}/large/shapes.jsonl"}})
    starved = scene.run(played, "starved")
    until_it_trains(played, "starved")
    scene.fires("TintypeDataStarved", modelversion="starved")
    small = (scene.folder / "small.png", starved.cached_pictures())
    Image.new("RGB", (32, 32)).save(small[0])
    for path in small[1]:
        aside = path.with_suffix(".aside")
        aside.write_bytes(small[0].read_bytes())
        aside.replace(path)
    scene.goes_out("TintypeDataStarved")
    assert not scene.firing("TintypeNoProgress")
    starved.send(signal.SIGSTOP)
    scene.fires("TintypeNoProgress", modelversion="starved")
    starved.send(signal.SIGCONT)
    scene.goes_out("TintypeNoProgress")


def loss_is_no_number(scene: Scene) -> None:
    """The learning rate is too high by far."""
    played = scene.played()
    rate = {"type": "Momentum", "learningRate": 100}
    scene.apply(played, "diverging", {"spec.training": LONG | {"optimizer": rate}})
    assert scene.run(played, "diverging").ended() == 64
    scene.fires("TintypeLossNaN", modelversion="diverging")
    scene.goes_out("TintypeLossNaN")


def version_fails(scene: Scene) -> None:
    """The data set is none; whom the operator would tell of that refuses to hear it."""
    played = scene.played()
    scene.apply(played, "wrong", {"spec.dataset": {"uri": f"s3://{BUCKET}/wrong.jsonl"}})
    assert scene.run(played, "wrong").ended() == 65
    scene.fires("TintypeVersionFailed", modelversion="wrong", reason="DataError")
    scene.fires("TintypeNotificationsFailing")
    scene.goes_out("TintypeVersionFailed", modelversion="wrong")
    scene.goes_out("TintypeNotificationsFailing")


def pods_crash(scene: Scene) -> None:
    """The trainer is killed, and so are the two that come after it."""
    played = scene.played()
    scene.apply(played, "crashing")
    for _ in range(3):
        trainer = scene.run(played, "crashing")
        trainer.send(signal.SIGKILL)
        assert trainer.ended() == 137
    scene.fires("TintypeRetries", modelversion="crashing")
    scene.goes_out("TintypeRetries")


def version_waits(scene: Scene) -> None:
    """There is no node for a Pod; then there is."""
    played = scene.played()
    scene.apply(played, "waiting")
    pod = played.pod("waiting")
    scene.fires("TintypeWaitingLong", modelversion="waiting")
    played.run(pod)
    scene.goes_out("TintypeWaitingLong", modelversion="waiting")


def api_server_is_ill(scene: Scene) -> None:
    """The API server holds its watches; then it is slow, and fails many requests, while many versions come."""
    for alert in ("TintypeLossNaN", "TintypeVersionFailed", "TintypeRetries"):
        assert scene.fired[alert].wait(600), f"{alert} has not fired, which needs an operator that is well"
    scene.api.troubles = Troubles(refused=0, conflicts=0, lost=0, slow=0, holds=True)
    scene.fires("TintypeOperatorWatchStale", resource="modelversions")
    scene.api.troubles = WELL
    scene.goes_out("TintypeOperatorWatchStale")
    played = scene.played()
    scene.api.troubles = SLOW
    for number in range(LATECOMERS):
        scene.apply(played, f"late-{number}", {"spec.runPolicy": {"suspend": True}})
    for alert in ("TintypeQueueBacklog", "TintypeReconcileErrors"):
        scene.fires(alert)
    scene.api.troubles = WELL
    for alert in ("TintypeQueueBacklog", "TintypeReconcileErrors"):
        scene.goes_out(alert)


def no_operator(scene: Scene) -> None:
    """The operator is stopped, and started again."""
    assert not scene.firing("TintypeOperatorAbsent")
    scene.operator.stop()
    scene.fires("TintypeOperatorAbsent")
    scene.operator.start()
    scene.goes_out("TintypeOperatorAbsent")


AT_ONCE: tuple[Callable[[Scene], None], ...] = (
    gpu_and_storage,
    data_and_progress,
    loss_is_no_number,
    version_fails,
    pods_crash,
    version_waits,
    api_server_is_ill,
)


@pytest.fixture
def scene(control_plane: devcluster.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    _fill_bucket(control_plane, tmp_path_factory.mktemp("shapes"))
    with ExitStack() as stack:
        scene = Scene(control_plane, tmp_path_factory.mktemp("alerts"), stack)
        yield scene
        scene.kube.must("DELETE", f"apis/tintype.dev/v1alpha1/namespaces/{NAMESPACE}/modelversions")
        assert "Traceback" not in scene.operator.said(), scene.operator.said()


@pytest.mark.timeout(1200)
def test_each_alert_fires_by_a_real_fault_and_goes_out_again(scene: Scene) -> None:
    with ThreadPoolExecutor(len(AT_ONCE)) as pool:
        faults = {fault.__name__: pool.submit(fault, scene) for fault in AT_ONCE}
    failed = {name: repr(future.exception()) for name, future in faults.items() if future.exception()}
    assert not failed
    no_operator(scene)
    assert [alert for alert, fired in scene.fired.items() if not fired.is_set()] == []
