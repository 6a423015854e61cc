"""A training that is interrupted anywhere and goes on in another process is the training that was not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from support.trainings import Digits, OneBox, Recorder, small_network, training_spec
from tintype_api.catalogue import CATALOGUE, Optimizer
from tintype_api.constants import ExitCode, Reason
from tintype_api.errors import UserError, storage_unreachable
from tintype_api.spec import ModelVersionSpec
from tintype_api.spec.view import ViewType
from tintype_trainer.interruption import Interrupted
from tintype_trainer.loop.records import Ending, Examples, Trained
from tintype_trainer.loop.snapshot import Snapshot
from tintype_trainer.networks import build_classifier
from tintype_trainer.stopping import StopRequest

EXAMPLES = Examples(range(20), range(20, 28), [])
STEPS_OF_AN_EPOCH = 3
FLIP = {"type": "HorizontalFlip"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return Digits(tmp_path_factory.mktemp("digits"), 28)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class Interrupting:
    """Interrupts the training at a check, counted from 1."""

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self) -> None:
        self._left -= 1
        if not self._left:
            raise Interrupted


def _dropping(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=4), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(16 * 49, 10)
    ).to(memory_format=torch.channels_last)


def _mobilenet() -> nn.Module:
    torch.manual_seed(0)
    return build_classifier(CATALOGUE["mobilenet_v3_small"], 10, (32, 32))


def _whole(digits: Digits, network: nn.Module, spec: ModelVersionSpec) -> tuple[Trained, Recorder]:
    recorder = Recorder()
    torch.manual_seed(3)
    return digits.train(network, spec, EXAMPLES, recorder=recorder), recorder


def _interrupted(digits: Digits, network: nn.Module, spec: ModelVersionSpec, at: int) -> Snapshot:
    saved: list[Snapshot] = []
    torch.manual_seed(3)
    with pytest.raises(Interrupted):
        digits.train(network, spec, EXAMPLES, check=Interrupting(at), save=saved.append)
    return saved[-1]


def _untimed(trained: Trained) -> list[Any]:
    return [(epoch.entry.model_copy(update={"seconds": 0.0}), epoch.measures) for epoch in trained.epochs]


OPTIONS: Mapping[str, tuple[Callable[[], nn.Module], Optimizer, Mapping[str, Any], ViewType]] = {
    "momentum": (_dropping, Optimizer.MOMENTUM, {}, ViewType.CLASSIFICATION),
    "rmsprop": (_dropping, Optimizer.RMSPROP, {}, ViewType.CLASSIFICATION),
    "adam": (_dropping, Optimizer.ADAM, {}, ViewType.TAGGING),
    "adamw": (_dropping, Optimizer.ADAMW, {}, ViewType.CLASSIFICATION),
    "nadam": (_dropping, Optimizer.NADAM, {}, ViewType.TAGGING),
    "radam": (_dropping, Optimizer.RADAM, {}, ViewType.CLASSIFICATION),
    "averaged": (_dropping, Optimizer.ADAMW, {"ema": {"decay": 0.9}}, ViewType.CLASSIFICATION),
    "frozen": (
        _mobilenet,
        Optimizer.ADAMW,
        {"backbone": {"freezeEpochs": 1.5, "learningRateFactor": 0.1}},
        ViewType.CLASSIFICATION,
    ),
    "accumulated": (_dropping, Optimizer.MOMENTUM, {"accumulation": 2}, ViewType.CLASSIFICATION),
    "detection": (OneBox, Optimizer.ADAMW, {}, ViewType.DETECTION),
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("at", [2, STEPS_OF_AN_EPOCH + 1, 6, 8], ids=["in 1st", "validating", "in 2nd", "later"])
def test_what_is_resumed_ends_bit_by_bit_as_what_was_not_interrupted(digits: Digits, name: str, at: int) -> None:
    make, optimizer, training, view = OPTIONS[name]
    spec = training_spec(optimizer, 0.002, {"epochs": 3, **training}, view=view, augmentations=[FLIP])
    whole, _ = _whole(digits, make(), spec)
    snapshot = _interrupted(digits, make(), spec, at)
    recorder = Recorder()
    torch.manual_seed(99)
    trained = digits.train(make(), spec, EXAMPLES, recorder=recorder, resumed=snapshot)
    assert recorder.memory == snapshot.memory
    assert [step.iteration for step in recorder.steps] == list(range(snapshot.memory.last.iteration + 1, 10))
    assert _untimed(trained) == _untimed(whole)
    assert trained.weights.keys() == whole.weights.keys()
    assert all(torch.equal(trained.weights[key], whole.weights[key]) for key in whole.weights)
    assert trained.selection.best is not None
    assert trained.best.entry.iteration == trained.selection.best.iteration


def test_a_checkpoint_is_saved_at_each_epochs_end(digits: Digits) -> None:
    saved: list[Snapshot] = []
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 2.5})
    trained = digits.train(small_network(), spec, EXAMPLES, save=saved.append)
    assert [snapshot.memory.last.iteration for snapshot in saved] == [3, 6, 8]
    assert saved[-1].memory.epochs == trained.epochs


def test_a_training_whose_steps_are_all_done_ends_at_once(digits: Digits) -> None:
    saved: list[Snapshot] = []
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 2})
    whole = digits.train(small_network(), spec, EXAMPLES, save=saved.append)
    recorder = Recorder()
    again = digits.train(small_network(1), spec, EXAMPLES, recorder=recorder, resumed=saved[-1])
    assert recorder.steps == []
    assert recorder.endings == [again.ending] == [Ending.COMPLETED]
    assert again.epochs == whole.epochs
    assert all(torch.equal(again.weights[key], whole.weights[key]) for key in whole.weights)


@pytest.mark.parametrize(("at", "ends"), [(2, [1 / 3]), (6, [1.0, 4 / 3])], ids=["in 1st", "in 2nd"])
def test_a_stop_after_an_interruption_measures_what_was_learned_and_trains_no_more(
    digits: Digits, at: int, ends: list[float]
) -> None:
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 3})
    snapshot = _interrupted(digits, small_network(), spec, at)
    stop, recorder = StopRequest(), Recorder()
    stop.ask()
    trained = digits.train(small_network(), spec, EXAMPLES, recorder=recorder, resumed=snapshot, stop=stop)
    assert recorder.steps == []
    assert trained.ending == Ending.STOPPED
    assert [epoch.entry.epoch for epoch in trained.epochs] == pytest.approx(ends)


def test_early_stopping_counts_the_epochs_before(digits: Digits) -> None:
    options = {"epochs": 6, "earlyStopping": {"patience": 2, "minDelta": 1.0}}
    spec = training_spec(Optimizer.MOMENTUM, 1e-6, options)
    whole, _ = _whole(digits, small_network(), spec)
    snapshot = _interrupted(digits, small_network(), spec, 7)
    trained = digits.train(small_network(), spec, EXAMPLES, resumed=snapshot)
    assert (trained.ending, len(trained.epochs)) == (whole.ending, len(whole.epochs)) == (Ending.STOPPED_EARLY, 3)


def test_max_duration_counts_the_time_before(digits: Digits) -> None:
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 3, "maxDuration": "1h"})
    snapshot = _interrupted(digits, small_network(), spec, 2)
    late = replace(snapshot, memory=replace(snapshot.memory, seconds=3600.0))
    recorder = Recorder()
    trained = digits.train(small_network(), spec, EXAMPLES, recorder=recorder, resumed=late)
    assert (trained.ending, recorder.steps) == (Ending.MAX_DURATION, [])


def test_parts_that_became_smaller_stay_so(digits: Digits) -> None:
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 1})
    snapshot = _interrupted(digits, small_network(), spec, 2)
    recorder = Recorder()
    halved = replace(snapshot, memory=replace(snapshot.memory, parts=2))
    digits.train(small_network(), spec, EXAMPLES, recorder=recorder, resumed=halved)
    assert {step.examples_at_once for step in recorder.steps} == {4}


def test_storage_that_is_away_at_an_epochs_end_costs_no_training(digits: Digits) -> None:
    def refuse(_: Snapshot) -> None:
        raise storage_unreachable("s3://models/a cannot be reached; check storage.endpoint")

    recorder = Recorder()
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 2})
    trained = digits.train(small_network(), spec, EXAMPLES, recorder=recorder, save=refuse)
    assert len(trained.epochs) == 2
    assert [note for note in recorder.notes if "no checkpoint could be saved" in note] == recorder.notes[:2]


def test_an_interruption_that_cannot_be_saved_is_tried_again(digits: Digits) -> None:
    def refuse(_: Snapshot) -> None:
        raise storage_unreachable("s3://models/a cannot be reached; check storage.endpoint")

    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 2})
    with pytest.raises(UserError, match="told to end and its checkpoint could not be saved: s3://models/a") as caught:
        digits.train(small_network(), spec, EXAMPLES, check=Interrupting(2), save=refuse)
    assert (caught.value.exit_code, caught.value.reason) == (ExitCode.FAILED, Reason.CHECKPOINT_NOT_SAVED)


def test_an_interruption_says_from_where_the_training_goes_on(digits: Digits) -> None:
    recorder = Recorder()
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 2})
    with pytest.raises(Interrupted):
        digits.train(small_network(), spec, EXAMPLES, recorder=recorder, check=Interrupting(3))
    assert recorder.notes == ["the training was told to end; it is saved after iteration 2 and goes on there"]


def test_nothing_is_saved_before_the_first_step(digits: Digits) -> None:
    saved: list[Snapshot] = []
    spec = training_spec(Optimizer.MOMENTUM, 0.01, {"epochs": 2})
    with pytest.raises(Interrupted):
        digits.train(small_network(), spec, EXAMPLES, check=Interrupting(1), save=saved.append)
    assert saved == []
