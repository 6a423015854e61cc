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
    examples = " / ".join(f"{counts.get(split, 0):,}" for split in Split)
    rows = [
        Fact(label="Examples: train / validation / test", value=examples),
        Fact(label="Time trained", value=duration(_seconds(sources.epochs))),
        Fact(label="GPU-seconds", value=_gpu_seconds(sources)),
        Fact(label="Epochs", value=_epochs(sources)),
    ]
    test = sources.evaluation.test
    if test is not None and sources.split is Split.VALIDATION:
        rows.insert(0, _honest(test))
    return tuple(rows)


def facts_of(sources: Sources) -> tuple[Facts, ...]:
    """Return what is known of the version, by heading."""
    return (
        Facts(title="What was trained", rows=tuple(_network(sources))),
        Facts(title="On what", rows=tuple(_data(sources))),
        Facts(title="With what, and what it cost", rows=tuple(_cost(sources))),
    )


def figures_of(split: SplitEvaluation) -> tuple[Fact, ...]:
    """Return the figures of a whole split, as evaluation.json has them."""
    rows = {
        "Loss": _number(split.loss),
        "Accuracy": _with_interval(split.accuracy, split.accuracy_interval),
        "mAP": _with_interval(split.mean_average_precision, split.mean_average_precision_interval),
        "mAP at IoU 0.5": _number(split.mean_average_precision50),
        "mAP at IoU 0.75": _number(split.mean_average_precision75),
        "Exact match": _number(split.exact_match),
        "Mean overlap of right boxes": _number(split.mean_overlap),
        "F1, micro": _number(split.micro.f1),
        "F1, macro": _number(split.macro.f1),
    }
    return tuple(Fact(label=label, value=value) for label, value in rows.items() if value is not None)


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
    if test.mean_average_precision is not None:
        said = _with_interval(test.mean_average_precision, test.mean_average_precision_interval)
        return Fact(label="mAP on the test set", value=said or "")
    return Fact(label="Accuracy on the test set", value=_with_interval(test.accuracy, test.accuracy_interval) or "–")


def _number(number: float | None) -> str | None:
    return None if number is None else f"{number:.4f}"


def _with_interval(number: float | None, interval: IntervalDocument | None) -> str | None:
    if number is None:
        return None
    return f"{number:.4f}" + (f" ({interval.lower:.4f} to {interval.upper:.4f})" if interval else "")
