"""How often the operator writes in a version's life; Events, at most one a transition, and the Lease count apart."""

from collections import Counter

from support.kube import always
from support.operator_process import OperatorProcess
from support.played import Played

NAMESPACE = "operator-writes"
WRITES = {"create", "patch", "apply", "delete"}
WITHOUT_PREFLIGHT = {"spec.runPolicy": {"preflight": "Never"}}


def written(operator: OperatorProcess) -> Counter[str]:
    """Return the writes so far, by verb and kind; what is refused, since the trainer was quicker, is none."""
    found: Counter[str] = Counter()
    for request, count in operator.requests().items():
        if request.verb in WRITES and request.resource not in {"events", "leases"} and request.code < 400:
            found[f"{request.verb} {request.resource}"] += int(count)
    return found


def settled(operator: OperatorProcess) -> Counter[str]:
    """Return the writes so far, once there are no more."""
    before = written(operator)
    while True:
        always(lambda: operator.metric("tintype_operator_queue_depth"), lambda depth: depth == 0, 1)
        now = written(operator)
        if now == before:
            return now
        before = now


def test_each_change_is_written_once_and_nothing_else(played: Played, operator: OperatorProcess) -> None:
    before = settled(operator)
    played.apply("counted", WITHOUT_PREFLIGHT)
    pod = played.pod("counted")
    started = settled(operator)
    start = started - before
    assert start["create jobs"] == 1
    assert start["create rolebindings"] == 1, "the first version of the namespace"
    assert start["patch modelversions"] == 1, "the label of the model"
    assert start["apply modelversions"] <= 2
    assert start.total() <= 5, start

    token = played.token(pod)
    played.run(pod)
    played.until("counted", "Preparing")
    running = settled(operator)
    assert running - started == Counter({"apply modelversions": 1})

    for iteration in range(5):
        progress = {"summary": "epoch 1 of 2", "epoch": 1, "epochs": 2, "iteration": iteration, "iterations": 10}
        assert played.report(token, "counted", {"stage": "Training", "progress": progress}).code == 200
    played.until("counted", "Training")
    training = settled(operator)
    assert training - running == Counter({"apply modelversions": 1}), "one change of phase, and five reports"

    played.end(pod, 0, reason="Completed")
    played.until("counted", "Succeeded")
    ended = settled(operator)
    end = ended - training
    assert end["patch jobs"] == 1, "the Job's TTL"
    assert end["apply modelversions"] <= 2, "the Pod is the current one no more; the version has ended"
    assert end.total() <= 3, end

    played.apply("second", WITHOUT_PREFLIGHT)
    played.pod("second")
    assert (settled(operator) - ended).total() <= 4
