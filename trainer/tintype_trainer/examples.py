"""Which images a version learns from: reads the data set, applies the splits, checks that it can be trained."""

from tintype_api.modelversion import ModelVersion
from tintype_trainer.dataset import Selection
from tintype_trainer.storage import Store


def read_examples(version: ModelVersion, store: Store) -> Selection:
    """Return the examples of a resolved version.

    Raises:
        UserError: exit 65 for data that cannot be trained, 64 where the spec contradicts the file, 66 where
            storage has it not or denies it.
    """
    raise NotImplementedError
