import pytest
import torch
from torch import nn

from tintype_api.catalogue import Optimizer
from tintype_trainer.optimizers import build_optimizer, set_learning_rate

DECAY = {Optimizer.MOMENTUM: 1e-4, Optimizer.RMSPROP: 1e-5, Optimizer.ADAMW: 0.01}


@pytest.mark.parametrize("kind", list(Optimizer))
def test_weights_decay_and_biases_and_norms_do_not(kind: Optimizer) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    decayed, plain = build_optimizer(network, kind, 0.1).param_groups
    assert [parameter.ndim for parameter in decayed["params"]] == [4, 2]
    assert {parameter.ndim for parameter in plain["params"]} == {1}
    assert (decayed["weight_decay"], plain["weight_decay"]) == (DECAY.get(kind, 0.0), 0.0)


@pytest.mark.parametrize("kind", list(Optimizer))
def test_each_optimizer_descends_at_the_rate_that_is_set(kind: Optimizer) -> None:
    torch.manual_seed(0)
    network = nn.Linear(4, 1)
    optimizer = build_optimizer(network, kind, 123.0)
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
