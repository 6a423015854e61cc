import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from support.golden import check_golden
from support.trainings import (
    CPU,
    DIGITS,
    Digits,
    OneBox,
    Recorder,
    make_learner,
    small_network,
    training_spec,
)
from tintype_api.catalogue import CATALOGUE, Optimizer
from tintype_api.errors import UserError
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.training import OptimizerSettings
from tintype_api.spec.view import ViewType
from tintype_trainer.interruption import Interrupted
from tintype_trainer.learners.predictions import Predictions
from tintype_trainer.loop.best import Selection
from tintype_trainer.loop.plan import plan, training_batch
from tintype_trainer.loop.records import Ending, Epoch, Examples, Trained
from tintype_trainer.networks import build_classifier
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.stopping import StopRequest

GOLDEN = Path(__file__).parent / "golden"
FLIP = {"type": "HorizontalFlip"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return Digits(tmp_path_factory.mktemp("digits"), 300)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _network(view: ViewType, seed: int = 0) -> nn.Module:
    if view is ViewType.DETECTION:
        return OneBox(seed)
    if view is ViewType.TAGGING:  # in resnet18, whose last maps are one pixel here, a last bit becomes 1e-3 in 3 steps
        return small_network(seed)
    torch.manual_seed(seed)
    return build_classifier(CATALOGUE["resnet18"], 10, (32, 32))


def _plain_loss(network: nn.Module, inputs: Tensor, examples: Sequence[int], digits: Digits, view: ViewType) -> Tensor:
    """Return what a view minimises, in plain torch."""
    labels = torch.tensor([digits.labels[number] for number in examples])
    if view is ViewType.CLASSIFICATION:
        return functional.cross_entropy(network(inputs), labels)
    if view is ViewType.TAGGING:
        tags = functional.one_hot(labels, 10)
        tags[labels % 2 == 0] += tags[labels % 2 == 0].roll(1, dims=1)
        return functional.binary_cross_entropy_with_logits(network(inputs), tags.float())
    assert isinstance(network, OneBox)
    features = network.features(inputs)
    every = digits.examples(view)
    boxes = torch.tensor(
        [[getattr(every[number].boxes[0], side) for side in ("x0", "y0", "x1", "y1")] for number in examples]
    )
    distance = functional.l1_loss(network.place(features).sigmoid(), boxes)
    return distance + functional.cross_entropy(network.label(features), labels)


def _plain_losses(digits: Digits, count: int, view: ViewType) -> list[float]:
    """20 steps as anybody would write them, sharing only the order of the examples."""
    network = _network(view).train()
    bias_like = [parameter for parameter in network.parameters() if parameter.ndim == 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    groups = [{"params": others, "weight_decay": 1e-4}, {"params": bias_like}]
    optimizer = torch.optim.SGD(groups, lr=0.01, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [6, 13], gamma=0.1)
    inputs = digits.inputs(count)
    planned = plan(count, training_spec(Optimizer.MOMENTUM, 0.01, {"iterations": 20}).training)
    losses = []
    for iteration in range(20):
        _, chosen = training_batch(planned, 3, iteration)
        loss = _plain_loss(network, inputs[chosen.tolist()], chosen.tolist(), digits, view)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("view", list(ViewType))
def test_twenty_steps_are_those_of_plain_torch(digits: Digits, view: ViewType) -> None:
    recorder = Recorder()
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"iterations": 20}, view=view)
    digits.train(_network(view), spec, Examples(range(60), [], []), recorder=recorder)
    assert recorder.losses == pytest.approx(_plain_losses(digits, 60, view), abs=1e-5)
    assert [step.examples for step in recorder.steps[:8]] == [8] * 7 + [4]


@pytest.mark.parametrize("view", list(ViewType))
def test_the_loss_curve_is_as_it_was(digits: Digits, view: ViewType) -> None:
    """Within 2 %: processors and versions of torch round differently."""
    recorder = Recorder()
    spec = training_spec(Optimizer.ADAMW, 0.002, {"iterations": 20}, view=view, augmentations=[FLIP])
    network = OneBox() if view is ViewType.DETECTION else small_network()
    digits.train(network, spec, Examples(range(60), [], []), recorder=recorder)
    path = GOLDEN / f"losses-{view.lower()}.txt"
    kept = [float(line) for line in path.read_text().split()] if path.is_file() else []
    if kept and recorder.losses == pytest.approx(kept, rel=0.02):
        return
    check_golden(path, "".join(f"{loss:.6f}\n" for loss in recorder.losses))


def _same(one: Trained, other: Trained) -> bool:
    losses = [[epoch.entry.train_loss for epoch in trained.epochs] for trained in (one, other)]
    weights: list[Tensor] = [*one.weights.values()]
    return losses[0] == losses[1] and all(map(torch.equal, weights, other.weights.values()))


def test_the_same_seed_trains_the_same_with_and_without_memory(digits: Digits) -> None:
    def train(seed: int, budget_bytes: int) -> Trained:
        spec = training_spec(Optimizer.ADAMW, 0.002, {"epochs": 2, "seed": seed}, augmentations=[FLIP])
        examples = Examples(range(100), range(100, 140), [])
        return digits.train(small_network(seed), spec, examples, budget_bytes=budget_bytes)

    first = train(0, 1 << 30)
    assert _same(first, train(0, 0))
    assert not _same(first, train(1, 0))


@pytest.mark.parametrize(
    ("view", "lowest"), [(ViewType.CLASSIFICATION, 0.8), (ViewType.TAGGING, 0.8), (ViewType.DETECTION, 0.1)]
)
def test_it_learns_and_keeps_the_best_epoch(digits: Digits, view: ViewType, lowest: float) -> None:
    recorder = Recorder()
    network = OneBox() if view is ViewType.DETECTION else small_network()
    spec = training_spec(Optimizer.NADAM, 0.005, {"epochs": 8}, view=view)
    trained = digits.train(network, spec, Examples(range(220), range(220, 300), []), recorder=recorder)
    entries = [epoch.entry for epoch, _ in recorder.epochs]
    indicators = [
        (entry.validation_accuracy if view is ViewType.CLASSIFICATION else entry.validation_map) or 0
        for entry in entries
    ]
    assert max(indicators) > lowest
    assert trained.best.entry.iteration == (indicators.index(max(indicators)) + 1) * 28
    assert trained.epochs == tuple(epoch for epoch, _ in recorder.epochs)
    assert trained.ending is Ending.COMPLETED
    assert recorder.endings == [Ending.COMPLETED]

    network.load_state_dict(dict(trained.weights))
    learner = make_learner(network, spec)
    with digits.loader(view) as loader:
        measures = learner.measure(learner.predict(loader.evaluation(range(220, 300), 8), lambda: None))
    assert measures == trained.best.measures


def test_select_by_loss_keeps_the_lowest(digits: Digits) -> None:
    spec = training_spec(Optimizer.NADAM, 0.02, {"epochs": 6, "selectBy": "Loss"})
    trained = digits.train(small_network(), spec, Examples(range(100), range(100, 140), []))
    losses = [epoch.entry.validation_loss for epoch in trained.epochs]
    assert trained.best.entry.validation_loss == min(loss for loss in losses if loss is not None)
    assert trained.selection.selected_by == "loss"


def test_a_validation_set_without_any_positive_is_selected_by_loss(digits: Digits) -> None:
    recorder = Recorder()
    spec = training_spec(Optimizer.ADAM, 0.005, {"epochs": 3}, view=ViewType.TAGGING)
    spec = spec.model_copy(update={"concepts": tuple(f"other {digit}" for digit in DIGITS)})

    class Unlabelled:
        """The same learner, whose validation examples hold nothing."""

        def __init__(self) -> None:
            self.inner = make_learner(small_network(), spec)
            self.network, self.device = self.inner.network, self.inner.device
            self.training_loss, self.measure = self.inner.training_loss, self.inner.measure

        def predict(self, batches: Iterable[Batch], check: Callable[[], None]) -> Predictions:
            empty = [replace(batch, shares_BK=torch.zeros_like(batch.shares_BK)) for batch in batches]
            return self.inner.predict(empty, check)

    examples = Examples(range(60), range(60, 80), [])
    trained = digits.train(small_network(), spec, examples, recorder=recorder, learner=Unlabelled())
    losses = [epoch.entry.validation_loss or math.inf for epoch in trained.epochs]
    assert [epoch.entry.validation_map for epoch in trained.epochs] == [None] * 3
    assert trained.best.entry.validation_loss == min(losses)
    assert trained.selection.selected_by == "loss"
    assert recorder.notes == ["mAP has no value in any epoch: the lowest validation loss chose the best one"]


def test_without_validation_the_last_iteration_is_kept(digits: Digits) -> None:
    spec = training_spec(Optimizer.ADAM, 0.001, {"iterations": 20})
    trained = digits.train(small_network(), spec, Examples(range(100), [], []))
    assert [epoch.entry.iteration for epoch in trained.epochs] == [13, 20]
    assert trained.best.entry.iteration == 20
    assert trained.best.measures is None
    assert trained.selection.selected_by == "LastIteration"


def _wild(spec: ModelVersionSpec, decay: float = 0.0) -> ModelVersionSpec:
    settings = OptimizerSettings.model_construct(type=Optimizer.MOMENTUM, learning_rate=1e30, weight_decay=decay)
    return spec.model_copy(update={"training": spec.training.model_copy(update={"optimizer": settings})})


def test_a_loss_that_is_no_number_ends_the_training_and_names_the_rate(digits: Digits) -> None:
    spec = _wild(training_spec(Optimizer.MOMENTUM, 1, {"epochs": 20}))
    with pytest.raises(UserError, match=r"learningRate 1e\+30 is too high .* iteration \d+; lower it") as caught:
        digits.train(small_network(), spec, Examples(range(100), range(100, 120), []))
    assert (caught.value.exit_code, caught.value.reason) == (64, "Diverged")


def test_weights_that_the_last_step_has_spoilt_are_not_kept(digits: Digits) -> None:
    spec = _wild(training_spec(Optimizer.MOMENTUM, 1, {"iterations": 1}), decay=1e30)
    with pytest.raises(UserError, match=r"the weights after iteration 1 are no numbers; lower it") as caught:
        digits.train(small_network(), spec, Examples(range(100), [], []))
    assert caught.value.reason == "Diverged"


class _NoNumbersInEval(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = small_network()

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.inner(images)
        return scores if self.training else scores * math.nan


def test_scores_that_are_no_numbers_are_never_the_best(digits: Digits) -> None:
    recorder = Recorder()
    spec = training_spec(Optimizer.ADAM, 0.001, {"epochs": 2})
    with pytest.raises(UserError, match="no numbers in any epoch"):
        digits.train(_NoNumbersInEval(), spec, Examples(range(40), range(40, 50), []), recorder=recorder)
    assert [(epoch.entry.validation_accuracy, selection.best) for epoch, selection in recorder.epochs] == [
        (None, None)
    ] * 2


def test_batches_of_one_example_that_batchnorm_cannot_normalise(digits: Digits) -> None:
    spec = training_spec(Optimizer.ADAM, 0.001, {"iterations": 2, "batchSize": 1})
    with pytest.raises(UserError, match=r"training\.batchSize: .* set it to 2 or more"):
        digits.train(_network(ViewType.CLASSIFICATION), spec, Examples(range(10), [], []))


def test_it_stops_at_a_boundary(digits: Digits) -> None:
    recorder = Recorder()

    def check() -> None:
        if len(recorder.steps) == 3:
            raise Interrupted

    spec = training_spec(Optimizer.ADAM, 0.001, {"iterations": 9})
    with pytest.raises(Interrupted):
        digits.train(small_network(), spec, Examples(range(40), [], []), recorder=recorder, check=check)
    assert len(recorder.steps) == 3


@pytest.mark.parametrize(
    ("stopping", "epochs", "ending"),
    [
        ({"patience": 2, "minDelta": 1000}, 3, Ending.STOPPED_EARLY),
        ({"patience": 1, "minDelta": 1000}, 2, Ending.STOPPED_EARLY),
        ({"patience": 100_000}, 4, Ending.COMPLETED),
    ],
)
@pytest.mark.parametrize("select_by", ["Accuracy", "Loss"])
def test_early_stopping(
    digits: Digits, stopping: Mapping[str, Any], epochs: int, ending: Ending, select_by: str
) -> None:
    recorder = Recorder()
    spec = training_spec(Optimizer.ADAM, 0.001, {"epochs": 4, "earlyStopping": stopping, "selectBy": select_by})
    trained = digits.train(small_network(), spec, Examples(range(40), range(40, 80), []), recorder=recorder)
    assert len(trained.epochs) == epochs
    assert trained.ending is ending
    assert recorder.endings == [ending]


def test_the_longest_duration_ends_at_a_step_with_a_validation(digits: Digits) -> None:
    recorder = Recorder()
    spec = training_spec(Optimizer.ADAM, 0.001, {"epochs": 4, "maxDuration": "1m30s"})

    def clock() -> float:
        return 12.5 * len(recorder.steps)

    examples = Examples(range(40), range(40, 80), [])
    trained = digits.train(small_network(), spec, examples, recorder=recorder, clock=clock)
    assert [epoch.entry.iteration for epoch in trained.epochs] == [5, 8]
    assert [epoch.entry.seconds for epoch in trained.epochs] == [62.5, 37.5]
    assert all(epoch.measures is not None for epoch in trained.epochs)
    assert trained.ending is Ending.MAX_DURATION


def test_a_stop_ends_at_the_next_step_with_a_validation(digits: Digits) -> None:
    recorder, stop = Recorder(), StopRequest()

    def ask_before_the_eighth_step() -> None:
        if len(recorder.steps) == 7:
            stop.ask()

    spec = training_spec(Optimizer.ADAM, 0.001, {"epochs": 4})
    examples = Examples(range(40), range(40, 80), [])
    trained = digits.train(
        small_network(), spec, examples, recorder=recorder, stop=stop, check=ask_before_the_eighth_step
    )
    assert [epoch.entry.iteration for epoch in trained.epochs] == [5, 8]
    assert all(epoch.measures is not None for epoch in trained.epochs)
    assert trained.ending is Ending.STOPPED
    assert recorder.endings == [Ending.STOPPED]


def test_a_duration_that_ends_with_the_plan_is_no_stop(digits: Digits) -> None:
    spec = training_spec(Optimizer.ADAM, 0.001, {"iterations": 1, "maxDuration": "1s"})
    ticks = iter(range(0, 10_000, 100))
    trained = digits.train(small_network(), spec, Examples(range(40), [], []), clock=lambda: next(ticks))
    assert trained.ending is Ending.COMPLETED


def test_with_an_average_its_weights_are_validated_and_kept_and_the_raw_ones_trained(digits: Digits) -> None:
    examples = Examples(range(100), range(100, 160), [])
    options: dict[str, Any] = {"iterations": 13}
    plain, averaged = Recorder(), Recorder()
    digits.train(small_network(), training_spec(Optimizer.ADAM, 0.01, options), examples, recorder=plain)
    network = small_network()
    spec = training_spec(Optimizer.ADAM, 0.01, options | {"ema": {"decay": 0.9}})
    trained = digits.train(network, spec, examples, recorder=averaged)
    assert averaged.losses == plain.losses
    assert averaged.epochs[0][0].entry.validation_loss != plain.epochs[0][0].entry.validation_loss

    assert not torch.equal(trained.weights["4.weight"], network.state_dict()["4.weight"])
    network.load_state_dict(dict(trained.weights))
    learner = make_learner(network, spec)
    with digits.loader(ViewType.CLASSIFICATION) as loader:
        measures = learner.measure(learner.predict(loader.evaluation(range(100, 160), 8), lambda: None))
    assert measures == trained.best.measures


def _changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> set[str]:
    return {name.split(".")[0] for name, tensor in after.items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize(
    ("backbone", "changed"),
    [
        ({"freezeEpochs": 1}, [{"4"}, {"0", "1", "4"}]),
        ({"freezeEpochs": 2}, [{"4"}, {"4"}]),
        ({"learningRateFactor": 0}, [{"4"}, {"4"}]),
        ({"learningRateFactor": 0.5}, [{"0", "1", "4"}, {"0", "1", "4"}]),
    ],
)
def test_what_is_trained_of_a_backbone(digits: Digits, backbone: Mapping[str, Any], changed: list[set[str]]) -> None:
    network = small_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    seen: list[set[str]] = []

    class Watcher(Recorder):
        def epoch_done(self, epoch: Epoch, selection: Selection) -> None:
            super().epoch_done(epoch, selection)
            seen.append(_changed(before, network.state_dict()))

    recorder = Watcher()
    spec = training_spec(Optimizer.ADAMW, 0.01, {"epochs": 2, "backbone": backbone})
    digits.train(network, spec, Examples(range(40), range(40, 60), []), recorder=recorder)
    assert seen == changed
    released = ["the backbone is trained, too, from iteration 6 on"] if backbone == {"freezeEpochs": 1} else []
    assert recorder.notes == released


def test_accumulation_trains_as_the_whole_batch_does(digits: Digits) -> None:
    curves = []
    for accumulation in (1, 4):
        recorder = Recorder()
        spec = training_spec(Optimizer.MOMENTUM, 0.05, {"iterations": 15, "accumulation": accumulation})
        digits.train(small_network(batch_norm=False), spec, Examples(range(50), [], []), recorder=recorder)
        curves.append(recorder.losses)
        assert {step.examples_at_once for step in recorder.steps} == {8 // accumulation}
    assert curves[0] == pytest.approx(curves[1], abs=1e-5)


def test_bf16_trains_nearly_as_fp32_does(digits: Digits) -> None:
    curves = []
    for bfloat16 in (False, True):
        recorder = Recorder()
        spec = training_spec(Optimizer.ADAM, 0.005, {"epochs": 3})
        network = small_network()
        learner = make_learner(network, spec, type(CPU)(CPU.torch_device, bfloat16=bfloat16, threads=1))
        digits.train(network, spec, Examples(range(100), range(100, 140), []), recorder=recorder, learner=learner)
        curves.append(recorder.losses)
    assert curves[0] != curves[1]
    assert curves[0] == pytest.approx(curves[1], abs=0.2)
    assert curves[1][-1] < curves[1][0] / 2


def test_warm_up_and_the_schedule_are_what_steps_use(digits: Digits) -> None:
    recorder = Recorder()
    options = {"epochs": 2, "schedule": {"type": "Step", "stepEpochs": 1, "stepFactor": 0.5, "warmupSteps": 4}}
    spec = training_spec(Optimizer.MOMENTUM, 0.4, options)
    digits.train(small_network(), spec, Examples(range(40), [], []), recorder=recorder)
    rates = [step.learning_rate for step in recorder.steps]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.2])
