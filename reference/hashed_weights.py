"""Weights that need no file: a function of the tensor's name, computed alike in Java.

Element i (row-major) of tensor n: h = mix(seed64 + (i + 1) * 0x9E3779B97F4A7C15), all in 64 bits,
where seed64 is the first eight bytes (big-endian) of SHA-256 of "<seed>:<n>" and mix is SplitMix64's
output function (Steele, Lea, Flood 2014). With u = h >>> 40 the value is
((u - 2^23 + 0.5) / 2^23) * scale + offset in float64, rounded once to float32.
"""

import hashlib

import numpy
import torch


def hashed(name: str, seed: int, shape, scale: float, offset: float = 0.0) -> torch.Tensor:
    start = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big")
    count = int(numpy.prod(shape, dtype=numpy.int64))
    with numpy.errstate(over="ignore"):
        z = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = z + numpy.uint64(start)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    u = (z >> numpy.uint64(40)).astype(numpy.float64)
    values = ((u - 8388608.0 + 0.5) / 8388608.0) * scale + offset
    return torch.from_numpy(values.astype(numpy.float32)).reshape(tuple(shape))
