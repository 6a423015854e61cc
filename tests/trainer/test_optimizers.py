import pytest
import torch
from torch import nn

from tintype_api.catalogue import Optimizer
from tintype_api.spec.training import OptimizerSettings
from tintype_trainer.loop.optimizers import build_optimizer, set_learning_rate


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def _settings(kind: Optimizer, rate: float = 0.1, decay: float = 0.0) -> OptimizerSettings:
    return OptimizerSettings(type=kind, learning_rate=rate, weight_decay=decay)


@pytest.mark.parametrize("kind", list(Optimizer))
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_weights_decay_and_biases_and_norms_do_not(kind: Optimizer, decay: float) -> None:
    decayed, plain = build_optimizer(_network(), _settings(kind, decay=decay)).param_groups
    assert [parameter.ndim for parameter in decayed["params"]] == [4, 2]
    assert {parameter.ndim for parameter in plain["params"]} == {1}
    assert (decayed["weight_decay"], plain["weight_decay"]) == (decay, 0.0)


def _shrinkage(kind: Optimizer, decay: float) -> float:
    """Return what is left of a weight of 1 after a step at a rate of 0.1 whose gradient is 0."""
    network = nn.Linear(1, 1)
    nn.init.ones_(network.weight)
    optimizer = build_optimizer(network, _settings(kind, 0.1, decay))
    torch.autograd.backward(network(torch.zeros(1, 1)).sum() * 0)
    optimizer.step()
    return network.weight.item()


def test_what_weight_decay_does() -> None:
    assert _shrinkage(Optimizer.MOMENTUM, 0.3) == pytest.approx(1 - 0.1 * 0.3)
    assert _shrinkage(Optimizer.ADAMW, 0.3) == pytest.approx(1 - 0.1 * 0.3)
    assert _shrinkage(Optimizer.ADAM, 0.3) == pytest.approx(1 - 0.1)  # a part of the gradient, whose size Adam levels
    assert {_shrinkage(kind, 0.0) for kind in Optimizer} == {1.0}


@pytest.mark.parametrize("factor", [0.0, 0.25, 4.0])
def test_the_backbone_learns_at_its_own_rate(factor: float) -> None:
    network = _network()
    head = {id(parameter) for parameter in network[3].parameters()}
    backbone = [parameter for parameter in network.parameters() if id(parameter) not in head]
    optimizer = build_optimizer(network, _settings(Optimizer.MOMENTUM, 0.1), backbone, factor)
    set_learning_rate(optimizer, 0.02)
    rates = {id(parameter): group["lr"] for group in optimizer.param_groups for parameter in group["params"]}
    assert {rates[id(parameter)] for parameter in backbone} == {0.02 * factor}
    assert {rates[each] for each in head} == {0.02}
    assert len(rates) == len(list(network.parameters()))


def test_a_new_optimizer_has_its_factors_at_once() -> None:
    network = _network()
    optimizer = build_optimizer(network, _settings(Optimizer.ADAM, 0.1), network[0].parameters(), 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.05, 0.1}


def test_parameters_that_are_not_trained_are_left_out() -> None:
    network = _network()
    network[0].requires_grad_(requires_grad=False)
    optimizer = build_optimizer(network, _settings(Optimizer.ADAM))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


@pytest.mark.parametrize("kind", list(Optimizer))
def test_each_optimizer_descends_at_the_rate_that_is_set(kind: Optimizer) -> None:
    torch.manual_seed(0)
    network = nn.Linear(4, 1)
    optimizer = build_optimizer(network, _settings(kind, 100.0))
    set_learning_rate(optimizer, 0.01)
    inputs, target = torch.randn(32, 4), torch.randn(32, 1)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(network(inputs), target)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(parameter.isfinite().all() for parameter in network.parameters())
