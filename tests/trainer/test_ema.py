import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.swa_utils import AveragedModel

from tintype_trainer.loop.ema import Ema, decay_at


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def _step(network: nn.Module, optimizer: SGD, step: int) -> None:
    inputs = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(step))
    optimizer.zero_grad()
    torch.autograd.backward(network(inputs).square().mean())
    optimizer.step()


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("decay", [0.999, 0.5, 0.01])
def test_it_is_torchs_average_with_the_same_decay(decay: float) -> None:
    network = _network()
    optimizer = SGD(network.parameters(), lr=0.1)
    ema = Ema(network, decay)

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        step = int(count) - 1
        kept = min(decay, (1 + step) / (10 + step))
        return kept * averaged + (1 - kept) * current

    torchs = AveragedModel(network, avg_fn=average)
    torchs.update_parameters(network)  # the first update copies: the average starts at the first weights
    for step in range(25):
        _step(network, optimizer, step)
        ema.update()
        torchs.update_parameters(network)
    with ema.applied():
        for (name, ours), theirs in zip(network.state_dict().items(), torchs.module.state_dict().values(), strict=True):
            torch.testing.assert_close(ours, theirs, msg=name)


def test_the_networks_own_weights_come_back_and_train_on() -> None:
    network, twin = _network(), _network()
    optimizers = [SGD(each.parameters(), lr=0.1, momentum=0.9) for each in (network, twin)]
    ema = Ema(network, 0.9)
    for step in range(4):
        for each, optimizer in zip((network, twin), optimizers, strict=True):
            _step(each, optimizer, step)
        ema.update()
        own = _state(network)
        with ema.applied():
            averaged = _state(network)
        assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())
        assert not torch.equal(averaged["0.weight"], own["0.weight"])
        assert torch.equal(averaged["1.running_mean"], own["1.running_mean"])
    assert all(torch.equal(tensor, twin.state_dict()[name]) for name, tensor in network.state_dict().items())


def test_weights_that_do_not_move_are_their_own_average() -> None:
    network = _network()
    ema, own = Ema(network, 0.999), _state(network)
    for _ in range(20):
        ema.update()
    with ema.applied():
        assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())


def test_the_decay_grows_to_what_is_asked_for() -> None:
    assert [decay_at(step, 0.5) for step in (0, 1, 8, 9)] == [0.1, 2 / 11, 0.5, 0.5]
