"""The spec of a ModelVersion: what a user writes.

Field docstrings become descriptions in the CRD. Fields whose default depends on others are None until `resolve`.
"""

from typing import Annotated

from pydantic import Field

from tintype_api.model import Model
from tintype_api.podtemplate import PodTemplate
from tintype_api.spec.augmentations import Augmentation
from tintype_api.spec.common import ConceptName
from tintype_api.spec.dataset import Dataset, DatasetOptions
from tintype_api.spec.resizer import ImageResizer
from tintype_api.spec.run import Compute, Output, RunPolicy, Storage
from tintype_api.spec.training import Training
from tintype_api.spec.view import View
from tintype_api.spec.views_and_options import RULES


class ModelVersionSpec(Model):
    """One trained network of a model: a view and its concepts, the examples, the options of training."""

    rules = RULES

    view: View
    concepts: Annotated[tuple[ConceptName, ...], Field(min_length=1, max_length=256)]
    """The possible answers; their order is the order of the network's outputs."""
    dataset: Dataset
    training: Training = Training()
    image_resizer: ImageResizer | None = None
    """Absent: Fixed at the architecture's own input size."""
    dataset_options: DatasetOptions = DatasetOptions()
    augmentations: Annotated[tuple[Augmentation, ...], Field(max_length=15)] = ()
    """In the order given; each kind at most once; drawn anew at every reading."""
    output: Output
    storage: Storage = Storage()
    compute: Compute = Compute()
    run_policy: RunPolicy = RunPolicy()
    pod_template: PodTemplate = PodTemplate()
