"""TensorBoard's event file, byte by byte; it was read with tensorboard 2.21 by hand."""

import struct

import pytest

from tintype_api.status import HistoryEntry
from tintype_trainer.output.event_file import event_file, masked_crc32c

BARE = HistoryEntry(epoch=0.5, iteration=300, learning_rate=0.25, train_loss=1.5, seconds=2)
FULL = HistoryEntry(
    epoch=1,
    iteration=600,
    learning_rate=0.125,
    train_loss=0.5,
    validation_loss=0.75,
    validation_accuracy=0.875,
    validation_map=0.625,
    seconds=4,
)


def records(content: bytes) -> list[bytes]:
    """Return the data of each record, its checksums looked at."""
    found = []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        assert struct.unpack("<I", content[8:12]) == (masked_crc32c(content[:8]),)
        data, content = content[12 : 12 + length], content[12 + length :]
        assert struct.unpack("<I", content[:4]) == (masked_crc32c(data),)
        found.append(data)
        content = content[4:]
    return found


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"\x00" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"123456789", 0xE3069283),
    ],
    ids=["zeros", "ones", "rising", "falling", "digits"],
)
def test_checksums_are_those_of_rfc_3720(data: bytes, crc: int) -> None:
    turned = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    assert masked_crc32c(data) == (turned + 0xA282EAD8) & 0xFFFFFFFF


def test_an_empty_training_is_the_version_of_the_format_alone() -> None:
    assert records(event_file([], 10.0)) == [b"\x09" + struct.pack("<d", 10.0) + b"\x10\x00\x1a\x0dbrain.Event:2"]


def test_every_byte() -> None:
    version, bare, full = records(event_file([BARE, FULL], 1000.0))
    assert version == b"\x09" + struct.pack("<d", 994.0) + b"\x10\x00\x1a\x0dbrain.Event:2"

    def scalar(name: bytes, value: float) -> bytes:
        content = b"\x0a" + bytes([len(name)]) + name + b"\x15" + struct.pack("<f", value)
        return b"\x0a" + bytes([len(content)]) + content

    summary = (
        scalar(b"loss/train", 1.5)
        + scalar(b"training/learning rate", 0.25)
        + scalar(b"training/seconds of the epoch", 2)
        + scalar(b"training/epoch", 0.5)
    )
    assert len(summary) == 111
    assert bare == b"\x09" + struct.pack("<d", 996.0) + b"\x10\xac\x02" + b"\x2a" + bytes([len(summary)]) + summary
    summary = (
        scalar(b"loss/train", 0.5)
        + scalar(b"loss/validation", 0.75)
        + scalar(b"validation/accuracy", 0.875)
        + scalar(b"validation/mAP", 0.625)
        + scalar(b"training/learning rate", 0.125)
        + scalar(b"training/seconds of the epoch", 4)
        + scalar(b"training/epoch", 1)
    )
    length = bytes([len(summary) & 0x7F | 0x80, len(summary) >> 7])
    assert full == b"\x09" + struct.pack("<d", 1000.0) + b"\x10\xd8\x04" + b"\x2a" + length + summary


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e300])
def test_a_loss_that_is_no_number_is_no_error(loss: float) -> None:
    _, event = records(event_file([BARE.model_copy(update={"train_loss": loss})], 0.0))
    assert b"loss/train" in event
