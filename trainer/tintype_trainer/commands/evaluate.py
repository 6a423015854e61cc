"""`tintype evaluate VERSION DATASET`: evaluates a published version on any data set."""

import argparse
from pathlib import Path

from tintype_api.constants import ExitCode
from tintype_trainer.commands.predict import any_device
from tintype_trainer.commands.run import cache_folder
from tintype_trainer.commands.writing import write_output
from tintype_trainer.datasets.dataset import Split
from tintype_trainer.evaluation.document import SplitEvaluation
from tintype_trainer.storage import Store, as_uri
from tintype_trainer.use.aliases import open_version
from tintype_trainer.use.elsewhere import EvaluatedElsewhere, evaluate_on


def evaluate(arguments: argparse.Namespace) -> int:
    """Write evaluation.json and print the main figures.

    Raises:
        UserError: exit 78 where the file cannot be written; else as the version and the data set say.
    """
    store = Store.from_settings()
    published = open_version(arguments.version, store)
    split = Split(arguments.split) if arguments.split else None
    cache = cache_folder(arguments.cache, in_cluster=False)
    dataset = as_uri(arguments.dataset)
    if "://" not in arguments.dataset and Path(arguments.dataset).is_dir():
        dataset = dataset.rstrip("/") + "/"
    found = evaluate_on(published, dataset, split, store, cache, any_device(), arguments.batch_size)
    write_output(arguments.output, found.evaluation.to_bytes())
    assert found.evaluation.dataset is not None, "a data set was evaluated"
    print(f"{published.name}: {_figures(found.evaluation.dataset)}{_left_out(found)}; {arguments.output} has all of it")
    return ExitCode.OK


def _figures(split: SplitEvaluation) -> str:
    interval = split.accuracy_interval
    around = f" (95 % interval {interval.lower:.4f} to {interval.upper:.4f})" if interval else ""
    said = [f"accuracy {split.accuracy:.4f}{around}"] if split.accuracy is not None else []
    if split.mean_average_precision is not None:
        said.append(f"mAP {split.mean_average_precision:.4f}")
    return ", ".join([*said, f"{split.examples} examples"])


def _left_out(found: EvaluatedElsewhere) -> str:
    selection = found.selection
    counts = {
        "of other concepts": selection.not_in_model,
        "not annotated for the view": selection.not_annotated,
        "not meeting its conditions": selection.conditions_unmet,
        "unreadable": found.unreadable,
    }
    said = [f"{count} {what}" for what, count in counts.items() if count]
    return f" ({', '.join(said)} left out)" if said else ""
