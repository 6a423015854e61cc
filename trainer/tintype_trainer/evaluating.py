"""The stage after the training: what the best network says of the validation, test and training examples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tintype_api.spec import ModelVersionSpec
from tintype_api.status import Best, Metrics
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import Evaluation
from tintype_trainer.evaluation.for_status import status_concepts, status_metrics
from tintype_trainer.evaluation.making import Evaluated, evaluate_training
from tintype_trainer.learners import Learner
from tintype_trainer.learners.together import predict_together
from tintype_trainer.output.predictions import predictions_jsonl_gz
from tintype_trainer.pixels.batches import Loader
from tintype_trainer.preparing import Prepared
from tintype_trainer.processes.group import ALONE, Group
from tintype_trainer.reporting.journal import Journal


@dataclass(frozen=True, slots=True)
class BestEvaluated:
    """The best network, evaluated.

    Attributes:
        evaluation: What evaluation.json holds.
        predictions_gz: predictions.jsonl.gz.
    """

    evaluation: Evaluation
    predictions_gz: bytes


def evaluate_best(
    spec: ModelVersionSpec,
    best: Best,
    prepared: Prepared,
    learner: Learner,
    loader: Loader,
    batch_size: int,
    journal: Journal,
    check: Callable[[], None],
    *,
    group: Group = ALONE,
) -> BestEvaluated | None:
    """Return what a network is worth on each split, the training set only where the spec asks for it; report it.

    Where several processes share the work, rank 0 has the result and the others have None.

    Args:
        spec: The resolved spec.
        best: The epoch whose weights the network has.
        prepared: The examples.
        learner: With the network.
        loader: Makes their batches.
        batch_size: Examples that the network sees at once.
        journal: Who is told of the concepts, and of the test set's figures.
        check: Called before each batch; may raise to stop.
        group: The processes that share the work.
    """
    splits: dict[Split, Evaluated] = {}
    for split, indices in _wanted(spec, prepared).items():
        predictions = predict_together(group, learner, loader, indices, batch_size, check)
        if predictions is not None:
            ids = [prepared.staged.examples[index].example.id for index in indices]
            splits[split] = Evaluated(ids, predictions, learner.measure(predictions))
    if not group.leads:
        return None
    evaluation = evaluate_training(spec.view.type, spec.concepts, best, splits)
    _report(journal, splits, evaluation)
    return BestEvaluated(evaluation, predictions_jsonl_gz(splits, evaluation.thresholds))


def _wanted(spec: ModelVersionSpec, prepared: Prepared) -> Mapping[Split, Sequence[int]]:
    examples = prepared.examples
    training = sorted(set(examples.train)) if spec.output.training_predictions else []
    wanted = {Split.VALIDATION: examples.validation, Split.TEST: examples.test, Split.TRAIN: training}
    return {split: indices for split, indices in wanted.items() if indices}


def _report(journal: Journal, splits: Mapping[Split, Evaluated], evaluation: Evaluation) -> None:
    metrics = journal.status.metrics or Metrics()
    if Split.TEST in splits:
        test = status_metrics(splits[Split.TEST].measures, evaluation.test)
        metrics = metrics.model_copy(update={"test": test})
    journal.update(urgent=True, metrics=metrics, concepts=status_concepts(evaluation))
