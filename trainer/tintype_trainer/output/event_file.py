"""TensorBoard's event file of a training: the scalars of each epoch, without TensorFlow or TensorBoard. Pure.

The file is a sequence of records as TensorFlow's tensorflow/core/lib/io/record_writer.h states them: length (8 bytes,
little endian), masked CRC-32C of it, data, masked CRC-32C of the data. The data of each is a message `Event` of
tensorflow/core/util/event.proto in protobuf's wire format: wall_time (1, double), step (2, int64), and either
file_version (3, string), in the first record, or summary (5) with a `Summary.Value` (1) of tag (1, string) and
simple_value (2, float) for each scalar. CRC-32C: Castagnoli et al. 1993, reflected, RFC 3720, appendix B.4.
"""

import struct
from collections.abc import Iterator, Sequence
from ctypes import c_float
from typing import Final

from tintype_api.status import HistoryEntry

EVENTS_FILE: Final = "events.out.tfevents.tintype"
"""TensorBoard takes every file for one of events whose name has "tfevents" in it."""
FILE_VERSION: Final = "brain.Event:2"
_POLYNOMIAL: Final = 0x82F63B78
_MASK_DELTA: Final = 0xA282EAD8
_WORD: Final = 0xFFFFFFFF
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def event_file(epochs: Sequence[HistoryEntry], ended_at: float) -> bytes:
    """Return the content of the event file.

    Args:
        epochs: Each epoch's end, the first one first.
        ended_at: When the last one ended, in seconds of Unix time; earlier ones by their durations before it.
    """
    left_s = sum(epoch.seconds for epoch in epochs)
    records = [_record(_event(ended_at - left_s, 0, _string(3, FILE_VERSION)))]
    for epoch in epochs:
        left_s -= epoch.seconds
        summary = b"".join(_message(1, _string(1, name) + _float(2, value)) for name, value in _scalars(epoch))
        records.append(_record(_event(ended_at - left_s, epoch.iteration, _message(5, summary))))
    return b"".join(records)


def masked_crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes, turned right by 15 bits and shifted, as records have it."""
    crc = _crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _WORD


def _scalars(epoch: HistoryEntry) -> Iterator[tuple[str, float]]:
    named = {
        "loss/train": epoch.train_loss,
        "loss/validation": epoch.validation_loss,
        "validation/accuracy": epoch.validation_accuracy,
        "validation/mAP": epoch.validation_map,
        "training/learning rate": epoch.learning_rate,
        "training/seconds of the epoch": epoch.seconds,
        "training/epoch": epoch.epoch,
    }
    yield from ((name, value) for name, value in named.items() if value is not None)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def _event(wall_time: float, step: int, what: bytes) -> bytes:
    return _key(1, _EIGHT_BYTES) + struct.pack("<d", wall_time) + _key(2, _VARINT) + _varint(step) + what


def _string(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _float(field: int, value: float) -> bytes:
    # A loss beyond what four bytes hold becomes infinite instead of an error.
    return _key(field, _FOUR_BYTES) + struct.pack("<f", c_float(value).value)


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE: Final = _table()


def _crc32c(data: bytes) -> int:
    crc = _WORD
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ _WORD
