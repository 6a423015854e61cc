"""What a ModelVersion admits, what it refuses with which sentence, and how its defaults resolve."""

from dataclasses import replace

import pytest

from support.modelversions import REFUSALS, Refusal, modelversion
from tintype_api.constants import ExitCode
from tintype_api.errors import UserError
from tintype_api.model import Rule
from tintype_api.modelversion import ModelVersion, identity, model_digest, resolve
from tintype_api.schema import parts_of
from tintype_api.spec.run import Storage


def parsed(**changes: object) -> ModelVersion:
    return ModelVersion.parse(modelversion({path.replace("__", "."): value for path, value in changes.items()}))


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_refuses_in_one_sentence(refusal: Refusal) -> None:
    with pytest.raises(UserError) as error:
        ModelVersion.parse(modelversion(refusal.changes))
    assert error.value.exit_code == ExitCode.SPEC
    assert refusal.offline in error.value.message
    assert "\n" not in error.value.message


def test_every_rule_has_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: set[str] = set()

    def watched(rule: Rule) -> Rule:
        def holds(part: object) -> bool:
            held = rule.holds(part)
            if not held:
                broken.add(rule.message)
            return held

        return replace(rule, holds=holds)

    rules = {part: part.rules for part in parts_of(ModelVersion).values()}
    for part, own in rules.items():
        monkeypatch.setattr(part, "rules", tuple(map(watched, own)))
    for refusal in REFUSALS:
        with pytest.raises(UserError):
            ModelVersion.parse(modelversion(refusal.changes))
    assert {rule.message for own in rules.values() for rule in own} - broken == set()


@pytest.mark.parametrize("document", [None, [], "text", {"kind": "ModelVersion"}, {"spec": 3, "metadata": 4}])
def test_refuses_what_is_no_modelversion(document: object) -> None:
    with pytest.raises(UserError):
        ModelVersion.parse(document)  # type: ignore[arg-type]


def test_ignores_what_the_api_server_adds() -> None:
    document = modelversion(
        {"metadata.resourceVersion": "5", "metadata.managedFields": [], "status": {"phase": "Pending"}}
    )
    assert ModelVersion.parse(document).metadata.name == "bottles-1"


@pytest.mark.parametrize(
    ("optimizer", "batch_size", "rate"),
    [
        ("Momentum", 32, 0.032),
        ("Momentum", 64, 0.064),
        ("RMSProp", 16, 0.00025),
        ("Adam", 32, 0.0005),
        ("AdamW", 128, 0.001),
    ],
)
def test_learning_rate_scales_with_batch_size(optimizer: str, batch_size: int, rate: float) -> None:
    version = parsed(spec__training__optimizer__type=optimizer, spec__training__batchSize=batch_size)
    assert resolve(version).spec.training.optimizer.learning_rate == pytest.approx(rate)


def test_own_learning_rate_is_not_scaled() -> None:
    version = parsed(spec__training__optimizer__learningRate=0.5, spec__training__batchSize=512)
    assert resolve(version).spec.training.optimizer.learning_rate == 0.5


def test_resolved_version_leaves_nothing_open() -> None:
    spec = resolve(parsed()).spec
    assert (spec.training.epochs, spec.training.batch_size) == (10, 32)
    assert spec.image_resizer is not None
    assert (spec.image_resizer.width, spec.image_resizer.height) == (224, 224)
    assert resolve(resolve(parsed())) == resolve(parsed())


def test_iterations_leave_no_default_epochs() -> None:
    assert resolve(parsed(spec__training__iterations=7)).spec.training.epochs is None


def test_storage_of_the_version_goes_before_the_operators() -> None:
    version = parsed(spec__storage__region="eu-west-1")
    storage = resolve(version, Storage(region="us-east-1", endpoint="http://s3:8333")).spec.storage
    assert (storage.region, storage.endpoint) == ("eu-west-1", "http://s3:8333")


@pytest.mark.parametrize(
    ("optimizer", "decay"),
    [("Momentum", 1e-4), ("RMSProp", 1e-5), ("AdamW", 0.01), ("Adam", 0), ("NAdam", 0), ("RAdam", 0)],
)
def test_weight_decay_follows_the_optimizer_unless_it_is_given(optimizer: str, decay: float) -> None:
    assert resolve(parsed(spec__training__optimizer__type=optimizer)).spec.training.optimizer.weight_decay == decay
    own = parsed(spec__training__optimizer={"type": optimizer, "weightDecay": 0})
    assert resolve(own).spec.training.optimizer.weight_decay == 0


@pytest.mark.parametrize(
    ("schedule", "factor"),
    [({"type": "Step"}, 0.1), ({"type": "Step", "stepFactor": 0.5}, 0.5), ({"type": "Cosine"}, None), ({}, None)],
)
def test_only_step_has_a_factor(schedule: dict[str, object], factor: float | None) -> None:
    assert resolve(parsed(spec__training__schedule=schedule)).spec.training.schedule.step_factor == factor


@pytest.mark.parametrize(
    ("view_type", "policy", "resolved"),
    [
        ("Classification", "Auto", "ImageNet"),
        ("Tagging", "Auto", "ImageNet"),
        ("Detection", "Auto", "V1"),
        ("Detection", "V3", "V3"),
    ],
)
def test_auto_is_the_policy_of_the_view(view_type: str, policy: str, resolved: str) -> None:
    asked = [{"type": "Blur", "maxSigma": 3}, {"type": "AutoAugment", "policy": policy}]
    version = parsed(spec__view__type=view_type, spec__augmentations=asked)
    blur, chosen = (each.to_wire() for each in resolve(version).spec.augmentations)
    assert blur == {"type": "Blur", "probability": 0.2, "maxSigma": 3}
    assert chosen == {"type": "AutoAugment", "probability": 1, "policy": resolved}


def test_what_depends_on_data_or_machine_stays_open() -> None:
    training = resolve(parsed(spec__training__batchSize="Auto")).spec.training
    assert (training.batch_size, training.optimizer.learning_rate, training.select_by) == ("Auto", None, "Auto")


@pytest.mark.parametrize(
    ("architecture", "sides"),
    [
        ("efficientnet_b2", (260, 260)),
        ("inception_v3", (299, 299)),
        ("timm/inception_v4", (299, 299)),
        ("timm/vit_small_patch14_dinov2", (518, 518)),
        ("resnet18", (32, 4096)),
    ],
)
def test_a_size_may_be_the_architectures_own_or_in_steps(architecture: str, sides: tuple[int, int]) -> None:
    resizer = {"type": "Fixed", "width": sides[0], "height": sides[1]}
    spec = resolve(parsed(spec__training__architecture=architecture, spec__imageResizer=resizer)).spec
    assert spec.image_resizer is not None
    assert spec.image_resizer.to_wire() == resizer


def test_defaults_follow_the_view_and_the_architecture() -> None:
    training = resolve(parsed()).spec.training
    assert training.initial_weights is not None
    assert (training.architecture, training.initial_weights.source) == ("efficientnet_b0", "ImageNet")
    view = {"name": "things", "type": "Detection"}
    training = resolve(parsed(spec__view=view)).spec.training
    assert training.initial_weights is not None
    assert (training.architecture, training.initial_weights.source) == ("retinanet_resnet50_fpn_v2", "COCO")
    training = resolve(
        parsed(spec__view=view, spec__training={"architecture": "retinanet_efficientnet_lite0"})
    ).spec.training
    assert training.initial_weights is not None
    assert training.initial_weights.source == "ImageNet"


def test_the_order_of_conditions_makes_no_other_model() -> None:
    def digest(conditions: list[list[dict[str, object]]]) -> str:
        parent = {"name": "things", "type": "Detection"}
        view = {"name": "state", "type": "Classification", "parent": parent, "conditions": conditions}
        return model_digest(parsed(spec__view=view).spec)

    one, other = {"concept": "a", "holds": True}, {"concept": "b", "holds": False}
    assert digest([[one, other], [one]]) == digest([[one], [other, one]])
    assert digest([[one]]) != digest([[other]])


def test_model_is_the_view_and_the_set_of_concepts() -> None:
    one, other = parsed(spec__concepts=["a", "b"]), parsed(spec__concepts=["b", "a"], spec__training__epochs=3)
    assert model_digest(one.spec) == model_digest(other.spec)
    assert model_digest(one.spec) != model_digest(parsed(spec__concepts=["a", "b", "c"]).spec)
    assert len(model_digest(one.spec)) == 16


def test_identity_is_the_uid_or_the_content() -> None:
    assert identity(parsed(metadata__uid="u-1")) == "u-1"
    assert identity(parsed()) == identity(parsed())
    assert identity(parsed()) != identity(parsed(spec__training__seed=1))
