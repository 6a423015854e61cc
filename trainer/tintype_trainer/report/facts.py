"""What was trained, on what, with what, and what it cost, in words. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tintype_api.spec.view import Condition, View
from tintype_api.status import HistoryEntry
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import IntervalDocument, SplitEvaluation
from tintype_trainer.report.document import Fact, Facts
from tintype_trainer.report.sources import Sources

MINUTE_S: Final = 60
HOUR_S: Final = 3600
CPU: Final = "cpu"


def summary_of(sources: Sources) -> str:
    """Return one sentence about the version."""
    spec, card = sources.version.spec, sources.card
    concepts = f"{len(spec.concepts)} concepts" if len(spec.concepts) > 1 else "1 concept"
    name = card["architecture"]["name"]
    return f"{spec.view.type} of {concepts} by {name}, {_epochs(sources)} on {card['training']['device']}"


def tiles_of(sources: Sources) -> tuple[Fact, ...]:
    """Return the few figures that stand at the top, beside the performance indicator."""
    counts = sources.examples_by_split()
    best = sources.evaluation.best
    examples = " / ".join(f"{counts.get(split, 0):,}" for split in Split)
    rows = [
        Fact(label="Examples for training / validation / test", value=examples),
        Fact(
            label="Time trained",
            value=duration(_seconds(sources.epochs)),
            detail=f"GPU-seconds: {_gpu_seconds(sources)}",
        ),
        Fact(label="Epochs", value=_epochs(sources), detail=f"best: {best.epoch:.4g}" if best else None),
    ]
    test = sources.evaluation.test
    if test is not None and sources.split is Split.VALIDATION:
        rows.insert(0, _honest(test))
    return tuple(rows)


def facts_of(sources: Sources) -> tuple[Facts, ...]:
    """Return what is known of the version, by heading."""
    return (
        Facts(title="The network", rows=tuple(_network(sources))),
        Facts(title="The data", rows=tuple(_data(sources))),
        Facts(title="The cost", rows=tuple(_cost(sources))),
    )


def figures_of(split: SplitEvaluation) -> tuple[Fact, ...]:
    """Return the figures of a whole split, as evaluation.json has them."""
    rows = (
        _figure("Loss", split.loss),
        _figure("Accuracy", split.accuracy, split.accuracy_interval),
        _figure("mAP", split.mean_average_precision, split.mean_average_precision_interval),
        _figure("mAP at IoU 0.5", split.mean_average_precision50),
        _figure("mAP at IoU 0.75", split.mean_average_precision75),
        _figure("Exact match", split.exact_match),
        _figure("Mean overlap of right boxes", split.mean_overlap),
        _figure("F1, micro", split.micro.f1),
        _figure("F1, macro", split.macro.f1),
    )
    return tuple(row for row in rows if row is not None)


def duration(seconds: float) -> str:
    """Return a time for people."""
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < HOUR_S:
        return f"{int(seconds // MINUTE_S)} min {int(seconds % MINUTE_S)} s"
    return f"{int(seconds // HOUR_S)} h {int(seconds % HOUR_S // MINUTE_S)} min"


def _network(sources: Sources) -> Iterator[Fact]:
    card = sources.card
    view = View.model_validate(card["view"])
    yield Fact(label="View", value=f"{view.name} ({view.type})")
    if view.parent is not None:
        yield Fact(label="Under the view", value=f"{view.parent.name} ({view.parent.type})")
    if view.conditions:
        yield Fact(label="Where", value=" or ".join(_and(inner) for inner in view.conditions))
    yield Fact(label="Architecture", value=f"{card['architecture']['name']} ({card['architecture']['library']})")
    size = card["input"]
    yield Fact(label="It sees", value=f"{size['width']} x {size['height']} pixels, {size['resizer']['type']}")
    yield Fact(label="Initial weights", value=_weights(card["initialWeights"]))
    frozen = card["training"]["frozen"]
    if frozen["parameters"] or frozen["batchNorms"]:
        held = f"{frozen['parameters']:,} parameters, {frozen['batchNorms']} BatchNorms"
        yield Fact(label="Held as they were", value=held)


def _and(conditions: tuple[Condition, ...]) -> str:
    return " and ".join(each.concept if each.holds else f"not {each.concept}" for each in conditions)


def _weights(weights: Mapping[str, Any]) -> str:
    kept = weights.get("keptConcepts")
    parts = [str(weights["source"]), f"head {weights['head']}" if weights.get("head") else ""]
    return ", ".join([*filter(None, parts), *([f"head kept for {len(kept)} concepts"] if kept else [])])


def _data(sources: Sources) -> Iterator[Fact]:
    dataset, counts = sources.card["dataset"], sources.examples_by_split()
    yield Fact(label="Data set", value=dataset["uri"])
    yield Fact(label="Digest of the examples", value=dataset["digest"])
    if dataset.get("validationDigest"):
        yield Fact(label="Digest of the validation set", value=dataset["validationDigest"])
    for split in Split:
        yield Fact(label=f"Examples of the {split} set", value=f"{counts.get(split, 0):,}")
    negatives = sum(bool(line.get("negative")) for line in sources.dataset)
    if negatives:
        yield Fact(label="Of them negatives", value=f"{negatives:,}")
    repeated = sum(line.get("times", 1) - 1 for line in sources.dataset)
    if repeated:
        yield Fact(label="Repeated in an epoch by balancing", value=f"{repeated:,}")


def _cost(sources: Sources) -> Iterator[Fact]:
    training, spec = sources.card["training"], sources.version.spec
    seconds = _seconds(sources.epochs)
    yield Fact(label="Time trained", value=duration(seconds))
    yield Fact(label="GPU-seconds", value=_gpu_seconds(sources))
    yield Fact(label="Epochs", value=_epochs(sources))
    yield Fact(label="Optimizer steps", value=f"{sources.epochs[-1].iteration:,}" if sources.epochs else "0")
    yield Fact(
        label="Device",
        value=f"{training['device']}, {training['precision']}, {training['threads']} threads, "
        f"{spec.compute.processes} {'process' if spec.compute.processes == 1 else 'processes'}",
    )
    versions = sources.card["versions"]
    yield Fact(label="Versions", value=", ".join(f"{library} {version}" for library, version in versions.items()))


def _seconds(epochs: tuple[HistoryEntry, ...]) -> float:
    return sum(epoch.seconds for epoch in epochs)


def _gpu_seconds(sources: Sources) -> str:
    if sources.card["training"]["device"] == CPU:
        return "0 (on CPU)"
    return f"{_seconds(sources.epochs) * sources.version.spec.compute.processes:,.0f}"


def _epochs(sources: Sources) -> str:
    done = sources.epochs[-1].epoch if sources.epochs else 0.0
    planned = sources.version.spec.training.epochs
    if planned is None or abs(planned - done) < 1e-6:
        return f"{done:.4g} epochs" if done != 1 else "1 epoch"
    return f"{done:.4g} of {planned:.4g} epochs"


def _honest(test: SplitEvaluation) -> Fact:
    of_map = _figure("mAP on the test set", test.mean_average_precision, test.mean_average_precision_interval)
    found = of_map or _figure("Accuracy on the test set", test.accuracy, test.accuracy_interval)
    return found or Fact(label="Test set", value="no figure")


def _figure(label: str, number: float | None, interval: IntervalDocument | None = None) -> Fact | None:
    if number is None:
        return None
    around = f"95 %: {interval.lower:.3f} to {interval.upper:.3f}" if interval else None
    return Fact(label=label, value=f"{number:.4f}", detail=around)
