import pytest
import torch

from tintype_api.constants import ENV_CPU_STANDS_FOR_GPU
from tintype_api.errors import UserError
from tintype_api.spec.run import Compute
from tintype_api.spec.training import Precision
from tintype_trainer.device import prepare_device


@pytest.mark.parametrize(
    ("precision", "name"), [(Precision.AUTO, "fp32"), (Precision.FLOAT32, "fp32"), (Precision.BFLOAT16, "bf16")]
)
@pytest.mark.parametrize(("gpus", "environment"), [(0, {}), (1, {ENV_CPU_STANDS_FOR_GPU: "1"})])
def test_precision_on_the_cpu(precision: Precision, name: str, gpus: int, environment: dict[str, str]) -> None:
    device = prepare_device(Compute(gpus=gpus, cpu="2500m"), precision, environment)
    assert (device.torch_device.type, device.precision, device.threads) == ("cpu", name, 2)
    with device.autocast():
        result = torch.nn.functional.linear(torch.ones(1, 2), torch.ones(3, 2))
    assert result.dtype == (torch.bfloat16 if name == "bf16" else torch.float32)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(1, 3, 2), (1, 5, 1), (2, 5, 2)])
def test_gradients_of_small_maps_are_right_in_bf16(size: int, kernel: int, stride: int) -> None:
    """Those of weights that meet nothing but padding are 0, whatever stood in memory before."""
    convolution = torch.nn.Conv2d(64, 64, kernel, stride, kernel // 2)
    images = torch.randn(4, 64, size, size)
    device = prepare_device(Compute(gpus=0), Precision.BFLOAT16, {})
    for _ in range(5):
        stale = [torch.full_like(convolution.weight, torch.nan, dtype=kind) for kind in (torch.bfloat16, torch.float32)]
        del stale
        convolution.zero_grad()
        with device.autocast():
            convolution(images.to(torch.bfloat16)).float().square().sum().backward()
        found = convolution.weight.grad
        assert found is not None
        convolution.zero_grad()
        convolution(images).square().sum().backward()
        torch.testing.assert_close(found, convolution.weight.grad, rtol=0.05, atol=0.5)


def _gpu(monkeypatch: pytest.MonkeyPatch, *, bfloat16: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Old GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16 or including_emulation)


@pytest.mark.parametrize(
    ("precision", "has_it", "name"),
    [
        (Precision.AUTO, True, "bf16"),
        (Precision.AUTO, False, "fp32"),
        (Precision.FLOAT32, True, "fp32"),
        (Precision.BFLOAT16, True, "bf16"),
    ],
)
def test_precision_on_gpus(monkeypatch: pytest.MonkeyPatch, precision: Precision, has_it: bool, name: str) -> None:
    _gpu(monkeypatch, bfloat16=has_it)
    device = prepare_device(Compute(gpus=1), precision, {})
    assert (device.torch_device.type, device.precision) == ("cuda", name)


def test_a_gpu_without_the_precision_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _gpu(monkeypatch, bfloat16=False)
    words = r"training\.precision is BFloat16, which this GPU \(Old GPU\) does not have; set it to Float32 or Auto"
    with pytest.raises(UserError, match=words) as caught:
        prepare_device(Compute(gpus=1), Precision.BFLOAT16, {})
    assert caught.value.exit_code == 78


def test_each_process_has_a_gpu_and_a_part_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    _gpu(monkeypatch, bfloat16=True)
    device = prepare_device(Compute(gpus=2, cpu="7"), Precision.AUTO, {}, local_rank=1)
    assert (device.torch_device, device.threads) == (torch.device("cuda", 1), 3)


def test_fewer_gpus_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _gpu(monkeypatch, bfloat16=True)
    with pytest.raises(UserError, match=r"compute\.gpus is 4, but torch finds only 2 here; lower it") as caught:
        prepare_device(Compute(gpus=4), Precision.AUTO, {})
    assert caught.value.exit_code == 78
