import torch
from torch import Tensor, nn

from tintype_trainer.loop.backbone import Backbone, trains_batch_norm


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
    )


def _of(network: nn.Sequential) -> Backbone:
    return Backbone(network, [parameter for module in list(network)[:4] for parameter in module.parameters()])


def _train(network: nn.Sequential) -> set[str]:
    """Return the names of what one step changes."""
    before: dict[str, Tensor] = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    torch.autograd.backward(network(torch.randn(8, 3, 4, 4)).square().mean())
    optimizer.step()
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_a_held_backbone_changes_neither_weights_nor_statistics() -> None:
    network = _network()
    backbone = _of(network)
    backbone.hold()
    assert {name.split(".")[0] for name in _train(network)} == {"4", "5"}
    network.eval()
    backbone.enter_training()
    assert {name.split(".")[0] for name in _train(network)} == {"4", "5"}
    assert backbone.is_held


def test_a_released_backbone_trains_but_for_what_was_never_trained() -> None:
    network = _network()
    network[0].requires_grad_(requires_grad=False)
    backbone = _of(network)
    backbone.hold()
    backbone.release()
    assert {name.split(".")[0] for name in _train(network)} == {"1", "3", "4", "5"}


def test_which_networks_train_batch_norm() -> None:
    network = _network()
    assert trains_batch_norm(network)
    assert not trains_batch_norm(network.eval())
    assert not trains_batch_norm(nn.Linear(2, 2).train())
    small = nn.Sequential(nn.BatchNorm2d(3), nn.Linear(3, 1))
    Backbone(small, small[0].parameters()).hold()
    assert not trains_batch_norm(small)
