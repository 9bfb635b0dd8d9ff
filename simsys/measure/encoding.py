"""A summary as bytes of names and numbers, and back to the last bit: no code travels with it, unlike a pickle.

The bytes are compressed: the length of a JSON text (8 bytes), the text, then all arrays one after the other. In the
text a record is the list of its fields, a mapping a list of pairs, an array its type and shape; whole numbers are as
wide as the widest of the array must be.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from math import prod
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from simsys.measure.summary import Summary

Array = npt.NDArray[Any]

LARGEST = 1 << 30
"""Bytes of a summary; none that was written here comes near."""
_TYPES = ("|u1", "<u2", "<i8", "<f8")


class NotASummary(ValueError):
    """Bytes that `encode` did not write."""


def encode(summary: Summary) -> bytes:
    """The bytes of a summary."""
    arrays: list[bytes] = []
    text = json.dumps(_plain(summary, arrays), separators=(",", ":")).encode()
    return zlib.compress(b"".join([len(text).to_bytes(8, "little"), text, *arrays]), 1)


def decode(content: bytes) -> Summary:
    """The summary of its bytes. NotASummary if they are anything else."""
    try:
        opened = zlib.decompressobj()
        raw = opened.decompress(content, LARGEST)
        end = 8 + int.from_bytes(raw[:8], "little")
        if not opened.eof or opened.unused_data or end > len(raw):
            raise ValueError("its end is missing")
        arrays = _Arrays(bytearray(raw[end:]))
        summary: Summary = _reader(Summary)(json.loads(raw[8:end]), arrays)
    except (zlib.error, ValueError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise NotASummary(f"this is no summary of a play: {error}") from None
    return summary


def _plain(value: Any, arrays: list[bytes]) -> Any:
    """What JSON can hold of a value; its arrays go to `arrays`."""
    if value is None or isinstance(value, float | int | str):
        return value
    if isinstance(value, np.ndarray):
        told = _narrow(value)
        arrays.append(told.tobytes())
        return [told.dtype.str, *told.shape]
    if isinstance(value, dict):
        return [[key, _plain(each, arrays)] for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(each, arrays) for each in value]
    return [_plain(getattr(value, field.name), arrays) for field in fields(value)]


def _narrow(array: Array) -> Array:
    """The array, of the narrowest type that holds its whole numbers."""
    if array.dtype == np.float64:
        return array
    if array.dtype != np.int64:
        raise TypeError(f"an array of {array.dtype} has no place in a summary")
    least, most = array.min(initial=0), array.max(initial=0)
    width = next((kind for kind in (np.uint8, np.uint16) if most <= np.iinfo(kind).max), np.int64)
    return array.astype(width if least >= 0 else np.int64)


class _Arrays:
    """Takes one array after the other from the bytes behind the text."""

    def __init__(self, content: bytearray) -> None:
        self._content, self._at = content, 0

    def take(self, told: Any, _: Any = None) -> Any:
        kind, *shape = told
        if kind not in _TYPES or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"there is no array {told!r:.50}")
        count = prod(shape)
        array = np.frombuffer(self._content, kind, count, self._at) if count else np.zeros(0, kind)
        self._at += array.nbytes
        return array.astype(np.float64 if kind == "<f8" else np.int64).reshape(shape)


Reader = Callable[[Any, _Arrays], Any]


@cache
def _reader(kind: Any) -> Reader:
    """Reads a value of this type from what JSON holds of it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is np.ndarray:
        return lambda told, arrays: arrays.take(told)
    if origin in (Union, UnionType):
        (some,) = (_reader(each) for each in inner if each is not NoneType)
        return lambda told, arrays: None if told is None else some(told, arrays)
    if origin is dict:
        key, each = (_reader(one) for one in inner)
        return lambda told, arrays: {key(k, arrays): each(v, arrays) for k, v in told}
    if origin is list or (origin is tuple and inner[-1] is ...):
        one = _reader(inner[0])
        return lambda told, arrays: origin([one(each, arrays) for each in told])
    if origin is tuple:
        return _record(lambda *values: values, inner)
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)
        hints = get_type_hints(kind)
        return _record(kind, [hints[name] for name in names])
    return _scalar(kind)


def _record(make: Any, kinds: Any) -> Reader:
    readers = [_reader(kind) for kind in kinds]

    def read(told: Any, arrays: _Arrays) -> Any:
        return make(*[reader(each, arrays) for reader, each in zip(readers, told, strict=True)])

    return read


def _scalar(kind: type) -> Reader:
    allowed = (float, int) if kind is float else (kind,)

    def read(told: Any, _: _Arrays) -> Any:
        if type(told) not in allowed:
            raise ValueError(f"{told!r:.50} is not {kind.__name__}")
        return told

    return read
