"""Two real processes over gloo train as one does: with the same batches, gradients, weights and metrics."""

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from support.ports import free_port
from support.together import Together, whole
from support.trainings import Digits, OneBox, Recorder, make_learner, small_network, training_spec
from tintype_api.catalogue import Optimizer
from tintype_api.constants import Reason
from tintype_api.errors import UserError, storage_unreachable
from tintype_api.spec.view import ViewType
from tintype_trainer.interruption import Interrupted
from tintype_trainer.learners.scores import ScoreLearner
from tintype_trainer.loop.plan import batch_bounds, batch_count, plan, training_batch
from tintype_trainer.loop.records import Ending, Examples
from tintype_trainer.loop.snapshot import Snapshot
from tintype_trainer.loop.stepping import Stepper
from tintype_trainer.pixels.batches import Batch
from tintype_trainer.processes import joined
from tintype_trainer.processes.group import Group
from tintype_trainer.processes.joined import buckets
from tintype_trainer.processes.place import Place
from tintype_trainer.stopping import StopRequest

EXAMPLES = Examples(range(20), range(20, 31), [])
"""Batches of 8, 8 and 4; the validation set is shared as 5 and 6."""
FLIP = ({"type": "HorizontalFlip"},)


@dataclass
class Told:
    """What one process says of a training."""

    weights: Mapping[str, Tensor]
    losses: list[float]
    history: list[Any]
    notes: list[str]
    ending: Ending
    saved: list[Snapshot]


@pytest.fixture(scope="module")
def together() -> Iterator[Together]:
    processes = Together(2)
    yield processes
    processes.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits")


def _network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    match kind:
        case "box":
            network: nn.Module = OneBox()
        case "dropout":
            network = nn.Sequential(
                nn.Conv2d(3, 16, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(784, 10)
            )
        case _:
            network = small_network(batch_norm=False)
    return network


@dataclass
class Training:
    """What the processes train, and what happens to them."""

    kind: str = "plain"
    options: Mapping[str, Any] = field(default_factory=dict)
    view: ViewType = ViewType.CLASSIFICATION
    interrupted: tuple[int, int] | None = None
    """Rank and check, counted from 1."""
    resumed: Snapshot | None = None
    stopped: bool = False
    """As rank 0 hears."""
    fails_to_save: bool = False


def _digits(group: Group, folder: Path) -> Digits:
    own = folder / f"{group.rank} of {group.size}"
    own.mkdir(exist_ok=True)
    return Digits(own, 31)


def _train(group: Group, folder: Path, training: Training) -> Told | Snapshot | None:
    """Train in this process; where it is interrupted, return what was saved."""
    recorder, saved, checks, stop = Recorder(), list[Snapshot](), itertools.count(1), StopRequest()
    if training.stopped and group.leads:
        stop.ask()

    def check() -> None:
        if training.interrupted == (group.rank, next(checks)):
            raise Interrupted

    def save(snapshot: Snapshot) -> None:
        if training.fails_to_save:
            raise storage_unreachable("s3://models does not answer")
        saved.append(snapshot)

    options = {"epochs": 2, **training.options}
    spec = training_spec(Optimizer.MOMENTUM, 0.05, options, view=training.view, augmentations=FLIP)
    network = _network(training.kind)
    torch.manual_seed(spec.training.seed + group.rank)
    try:
        trained = _digits(group, folder).train(
            network,
            spec,
            EXAMPLES,
            recorder=recorder,
            check=check,
            save=save,
            resumed=training.resumed,
            stop=stop,
            group=group,
        )
    except Interrupted:
        return saved[-1] if saved else None
    history = [epoch.entry.model_copy(update={"seconds": 0}) for epoch in trained.epochs]
    return Told(trained.weights, recorder.losses, history, recorder.notes, trained.ending, saved)


def _alone(folder: Path, training: Training) -> Told:
    torch.set_num_threads(1)
    told = _train(Group(), folder, training)
    assert isinstance(told, Told)
    return told


def _same_weights(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"accumulation": 2, "gradientClipNorm": 0.1},
        {"ema": {"decay": 0.9}, "backbone": {"freezeEpochs": 1}},
        {"optimizer": {"type": "AdamW", "learningRate": 0.001}, "labelSmoothing": 0.1},
    ],
    ids=["plain", "accumulation and clipping", "average and freezing", "AdamW"],
)
@pytest.mark.parametrize("view", [ViewType.CLASSIFICATION, ViewType.TAGGING])
def test_two_processes_train_like_one(
    together: Together, folder: Path, options: Mapping[str, Any], view: ViewType
) -> None:
    training = Training(options=options, view=view)
    first, second = whole(together.run(_train, folder, training))
    alone = _alone(folder, training)
    assert _same_weights(first.weights, second.weights)
    assert first.history == second.history
    np.testing.assert_allclose(first.losses, alone.losses, rtol=1e-4)
    for name, weight in alone.weights.items():
        torch.testing.assert_close(first.weights[name], weight, rtol=1e-4, atol=1e-6)
    for ours, theirs in zip(first.history, alone.history, strict=True):
        assert ours.validation_accuracy == theirs.validation_accuracy
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-4)


def test_a_detector_is_evaluated_on_every_image_once(together: Together, folder: Path) -> None:
    first, second = whole(together.run(_train, folder, Training("box", view=ViewType.DETECTION)))
    assert first.history == second.history
    assert first.history[-1].validation_map is not None
    assert first.history[-1].validation_loss > 0


def test_only_rank_0_saves(together: Together, folder: Path) -> None:
    first, second = whole(together.run(_train, folder, Training()))
    assert (len(first.saved), len(second.saved)) == (2, 0)


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("at", [3, 5])
def test_what_interrupts_one_process_interrupts_all_and_goes_on_bit_by_bit(
    together: Together, folder: Path, rank: int, at: int
) -> None:
    """Check 3 is within the first epoch, check 5 in its validation; dropout draws from each process's own generator."""
    whole_run, _ = whole(together.run(_train, folder, Training("dropout")))
    saved, others = whole(together.run(_train, folder, Training("dropout", interrupted=(rank, at))))
    assert others is None
    assert not torch.equal(saved.tensors["random.cpu"], saved.tensors["random.cpu.1"])
    resumed, _ = whole(together.run(_train, folder, Training("dropout", resumed=saved)))
    assert _same_weights(resumed.weights, whole_run.weights)
    assert resumed.history == whole_run.history


def test_a_stop_that_rank_0_hears_of_ends_all(together: Together, folder: Path) -> None:
    for told in whole(together.run(_train, folder, Training(stopped=True))):
        assert (told.ending, len(told.losses)) == (Ending.STOPPED, 1)


def test_a_checkpoint_that_cannot_be_saved_is_told_of_by_all_and_ends_none(together: Together, folder: Path) -> None:
    for told in whole(together.run(_train, folder, Training(fails_to_save=True))):
        assert told.ending is Ending.COMPLETED
        assert told.notes[0].startswith("no checkpoint could be saved")


def test_an_interruption_that_cannot_be_saved_fails_in_all(together: Together, folder: Path) -> None:
    for error in together.run(_train, folder, Training(interrupted=(1, 3), fails_to_save=True)):
        assert isinstance(error, UserError)
        assert error.reason is Reason.CHECKPOINT_NOT_SAVED


def _gradient(group: Group, folder: Path) -> dict[str, Tensor]:
    """Return the gradient of the first step of a network with BatchNorm."""
    digits, network = _digits(group, folder), small_network()
    spec = training_spec(Optimizer.MOMENTUM, 0.05, {"epochs": 1})
    planned = plan(20, spec.training, group.size)
    optimizer = torch.optim.SGD(network.parameters(), 0.0)
    stepper = Stepper(make_learner(network, spec), optimizer, 8, 1, None, None, lambda _: None, group)
    with digits.loader(ViewType.CLASSIFICATION) as loader:
        stepper.step(next(loader.training(range(20), planned, 3, (), 0, group)), 8)
    return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}


def test_with_batch_norm_the_gradient_is_the_mean_of_those_of_the_shares(together: Together, folder: Path) -> None:
    first, second = whole(together.run(_gradient, folder))
    spec = training_spec(Optimizer.MOMENTUM, 0.05, {"epochs": 1})
    digits, expected = _digits(Group(), folder), []
    _, places_B = training_batch(plan(20, spec.training), 3, 0)
    inputs_B3HW, labels_B = digits.inputs(20)[places_B.copy()], torch.tensor(digits.labels)[places_B.copy()]
    for half in (slice(0, 4), slice(4, 8)):
        network = small_network()
        torch.nn.functional.cross_entropy(network(inputs_B3HW[half]), labels_B[half]).backward()
        expected.append({name: parameter.grad for name, parameter in network.named_parameters()})
    for name, gradient in first.items():
        assert torch.equal(gradient, second[name])
        torch.testing.assert_close(gradient, (expected[0][name] + expected[1][name]) / 2, rtol=1e-3, atol=1e-5)


def _shares(group: Group, folder: Path, examples: int) -> list[Batch]:
    spec = training_spec(Optimizer.MOMENTUM, 0.05, {"epochs": 2}, augmentations=FLIP)
    planned = plan(examples, spec.training, group.size)
    with _digits(group, folder).loader(ViewType.CLASSIFICATION) as loader:
        return list(loader.training(range(examples), planned, 3, spec.augmentations, 0, group))


def test_the_shares_of_a_batch_are_the_batch(together: Together, folder: Path) -> None:
    first, second = whole(together.run(_shares, folder, 20))
    for one, other, batch in zip(first, second, _shares(Group(), folder, 20), strict=True):
        assert torch.equal(torch.cat([one.images_B3HW, other.images_B3HW]), batch.images_B3HW)
        assert torch.equal(torch.cat([one.shares_BK, other.shares_BK]), batch.shares_BK)


def test_every_share_has_two_examples(together: Together, folder: Path) -> None:
    first, second = whole(together.run(_shares, folder, 19))
    assert [(len(one), len(other)) for one, other in zip(first, second, strict=True)] == [(4, 4), (5, 6)] * 2


class _Full(ScoreLearner):
    """A learner whose device has memory for two examples at once."""

    def training_loss(self, batch: Batch) -> Tensor:
        if len(batch) > 2:
            raise torch.OutOfMemoryError
        return super().training_loss(batch)


def _full(group: Group, folder: Path) -> tuple[list[float], list[str], dict[str, Tensor]]:
    digits, network, recorder = _digits(group, folder), small_network(batch_norm=False), Recorder()
    spec = training_spec(Optimizer.MOMENTUM, 0.05, {"epochs": 1}, augmentations=FLIP)
    learner = make_learner(network, spec)
    assert isinstance(learner, ScoreLearner)
    if group.rank == 1:
        fields = {name: getattr(learner, name) for name in ScoreLearner.__dataclass_fields__}
        learner = _Full(**fields)
    digits.train(network, spec, EXAMPLES, recorder=recorder, learner=learner, group=group)
    return recorder.losses, recorder.notes, dict(network.state_dict())


def test_when_one_process_has_no_memory_all_halve_their_parts(together: Together, folder: Path) -> None:
    first, second = whole(together.run(_full, folder))
    alone = _alone(folder, Training(options={"epochs": 1}))
    said = "the device has no memory for 4 examples at once: each batch now goes through the network in parts of "
    said += "at most 2"
    assert first[1] == second[1] == [said]
    assert _same_weights(first[2], second[2])
    np.testing.assert_allclose(first[0][:1], alone.losses[:1], rtol=1e-4)


def _leaving(group: Group) -> None:
    if group.rank == 1:
        raise storage_unreachable("s3://models does not answer")
    group.sum([1.0])


def test_a_process_left_alone_says_so(together: Together) -> None:
    lost, own = together.run(_leaving)
    assert isinstance(own, UserError)
    assert own.reason is Reason.STORAGE_UNREACHABLE
    assert isinstance(lost, UserError)
    assert lost.reason is Reason.PEER_LOST
    assert lost.message == (
        "another process of this training ended, without which this one cannot go on; see how that one ended"
    )


def test_a_process_to_which_no_other_comes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "MEETING_LIMIT", timedelta(seconds=1))
    place = Place(0, 2, 0, 1, "127.0.0.1", free_port(), os.getppid())
    with pytest.raises(UserError, match="did not meet") as raised, joined.join(place, lambda: None):
        pass
    assert raised.value.reason is Reason.PEER_MISSING


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [6, 12])
@pytest.mark.parametrize("examples", range(3, 40))
def test_batches_have_every_example_once_and_two_for_each_process(
    examples: int, batch_size: int, processes: int
) -> None:
    count = batch_count(examples, batch_size, processes)
    bounds = [batch_bounds(examples, batch_size, position, processes) for position in range(count)]
    assert [place for first, end in bounds for place in range(first, end)] == list(range(examples))
    assert count == 1 or min(end - first for first, end in bounds) >= 2 * processes


def test_tensors_are_added_up_in_buckets() -> None:
    tensors = [torch.zeros(size) for size in (3, 3, 10, 1, 1, 1)]
    assert [[len(tensor) for tensor in bucket] for bucket in buckets(tensors, 24)] == [[3, 3], [10], [1, 1, 1]]
