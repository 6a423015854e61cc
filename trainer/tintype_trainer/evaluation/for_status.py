"""What status shows of metrics and of the evaluation. Pure."""

from tintype_api.status import ConceptMetrics, ConceptSummary, SplitMetrics
from tintype_trainer.evaluation.document import Evaluation, SplitEvaluation
from tintype_trainer.metrics.measures import ConceptMeasures, Measures


def status_metrics(measures: Measures, evaluated: SplitEvaluation | None = None) -> SplitMetrics:
    """Return what status shows of a split; with the interval of its accuracy where it was evaluated."""
    detailed = measures.mean_average_precision is not None or measures.confusion is None
    interval = evaluated.accuracy_interval if evaluated else None
    return SplitMetrics(
        loss=measures.loss,
        accuracy=measures.accuracy,
        mean_average_precision=measures.mean_average_precision,
        concepts_without_examples=len(measures.concepts_without_examples) if detailed else None,
        concepts=tuple(_concept(concept) for concept in measures.concepts),
        examples=measures.examples,
        accuracy_interval=(interval.lower, interval.upper) if interval else None,
    )


def status_concepts(evaluation: Evaluation) -> tuple[ConceptSummary, ...]:
    """Return each concept of the best on the validation set; none without one."""
    if evaluation.validation is None:
        return ()
    return tuple(
        ConceptSummary(
            name=concept.name,
            support=concept.support,
            threshold=concept.threshold,
            precision=concept.precision,
            recall=concept.recall,
            f1=concept.f1,
            average_precision=concept.average_precision,
        )
        for concept in evaluation.validation.per_concept
    )


def _concept(concept: ConceptMeasures) -> ConceptMetrics:
    return ConceptMetrics(
        name=concept.name,
        support=concept.support,
        average_precision=concept.average_precision,
        precision=concept.precision,
        recall=concept.recall,
    )
