"""From what a network says of its splits to the evaluation. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tintype_api.spec.view import ViewType
from tintype_api.status import Best
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.detection import Matched, best_detection_thresholds, evaluate_detection, match
from tintype_trainer.evaluation.document import Evaluation, SplitEvaluation, ThresholdsFrom
from tintype_trainer.evaluation.scores import (
    best_score_thresholds,
    default_score_thresholds,
    evaluate_classification,
    evaluate_tagging,
)
from tintype_trainer.learners.predictions import Predictions, ScorePredictions
from tintype_trainer.metrics.measures import Measures
from tintype_trainer.sentences import NO_VALIDATION


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a network says of a split.

    Attributes:
        ids: Of the examples.
        predictions: Of each of them, in the same order.
        measures: Their metrics.
    """

    ids: Sequence[str]
    predictions: Predictions
    measures: Measures


def evaluate_training(
    view_type: ViewType, concepts: Sequence[str], best: Best, splits: Mapping[Split, Evaluated]
) -> Evaluation:
    """Return the evaluation of the best epoch, at the thresholds that are best on the validation set.

    Args:
        view_type: Of the view.
        concepts: In the spec's order.
        best: The epoch that is published.
        splits: What its network says of the validation set, the test set and the training set, where there are such.
    """
    matched = {split: _matched(of.predictions, concepts) for split, of in splits.items()}
    chooses = Split.VALIDATION in splits
    thresholds = (
        _best_thresholds(view_type, matched[Split.VALIDATION], concepts)
        if chooses
        else default_score_thresholds(view_type, concepts)
    )
    documents = {
        split.value if split is not Split.VALIDATION else "validation": _split(
            view_type, of, matched[split], thresholds, chosen_here=split is Split.VALIDATION
        )
        for split, of in splits.items()
    }
    return Evaluation(
        view=view_type,
        concepts=tuple(concepts),
        best=best,
        thresholds=thresholds,
        thresholds_from=ThresholdsFrom.VALIDATION if chooses else ThresholdsFrom.DEFAULT,
        **({} if chooses else {"note": NO_VALIDATION}),
        **documents,
    )


def evaluate_elsewhere(view_type: ViewType, thresholds: Mapping[str, float], evaluated: Evaluated) -> Evaluation:
    """Return the evaluation of a published version on other data, at the version's own thresholds.

    Args:
        view_type: Of its view.
        thresholds: Of each concept, in its order.
        evaluated: What its network says of the data.
    """
    concepts = tuple(thresholds)
    dataset = _split(
        view_type, evaluated, _matched(evaluated.predictions, concepts), dict(thresholds), chosen_here=False
    )
    return Evaluation(
        view=view_type,
        concepts=concepts,
        thresholds=dict(thresholds),
        thresholds_from=ThresholdsFrom.VERSION,
        dataset=dataset,
    )


def _matched(predictions: Predictions, concepts: Sequence[str]) -> ScorePredictions | Matched:
    return predictions if isinstance(predictions, ScorePredictions) else match(predictions, concepts)


def _best_thresholds(
    view_type: ViewType, predictions: ScorePredictions | Matched, concepts: Sequence[str]
) -> dict[str, float]:
    if isinstance(predictions, Matched):
        return best_detection_thresholds(predictions)
    return best_score_thresholds(view_type, predictions, concepts)


def _split(
    view_type: ViewType,
    of: Evaluated,
    predictions: ScorePredictions | Matched,
    thresholds: dict[str, float],
    *,
    chosen_here: bool,
) -> SplitEvaluation:
    if isinstance(predictions, Matched):
        return evaluate_detection(predictions, of.measures, thresholds, of.ids, chosen_here=chosen_here)
    # In Classification the highest score decides, so that no threshold is chosen anywhere.
    if view_type is ViewType.CLASSIFICATION:
        return evaluate_classification(predictions, of.measures, thresholds, of.ids, chosen_here=False)
    return evaluate_tagging(predictions, of.measures, thresholds, of.ids, chosen_here=chosen_here)
