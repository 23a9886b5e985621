"""AdamW with 8-bit block-wise states in NumPy, after Dettmers et al. 2022 and bitsandbytes' rule.

Independent of the product: the map is built from its definition (bitsandbytes' create_dynamic_map,
with torch.linspace), and rounding is a search among all middles. Arithmetic is float32, an
operation at a time, in the order that the formulas are written in: the last bit decides which code
is nearest.
"""

import numpy
import torch

BLOCK = 256
LEARNING_RATE, BETA1, BETA2, EPSILON, DECAY = 1e-2, 0.9, 0.999, 1e-8, 0.1


def dynamic_map(signed: bool) -> numpy.ndarray:
    """256 ascending values: in decade i of 7 the middles of 2^i (signed) or 2^(i+1) equal parts."""
    values = [0.0, 1.0]
    for i in range(7):
        boundaries = torch.linspace(0.1, 1, 2 ** (i if signed else i + 1) + 1, dtype=torch.float32)
        middles = 10 ** (-6 + i) * ((boundaries[:-1] + boundaries[1:]) / 2.0)
        values += middles.tolist()
        if signed:
            values += (-middles).tolist()
    return numpy.sort(numpy.array(values, dtype=numpy.float32))


def nearest(values: numpy.ndarray, x: numpy.ndarray) -> numpy.ndarray:
    """Codes of the nearest values; halfway the even code; a negative number stays below zero."""
    middles = (values[:-1] + values[1:]) * numpy.float32(0.5)
    codes = numpy.searchsorted(middles, x, side="left")
    halfway = (codes < 255) & (x == middles[numpy.minimum(codes, 254)])
    codes = numpy.where(halfway & (codes % 2 == 1), codes + 1, codes)
    return numpy.where((x < 0) & (values[codes] == 0), codes - 1, codes)


def quantize(values: numpy.ndarray, x: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    blocks = [x[i:i + BLOCK] for i in range(0, len(x), BLOCK)]
    largest = numpy.array([numpy.abs(b).max() for b in blocks], dtype=numpy.float32)
    zero = numpy.full(BLOCK, numpy.flatnonzero(values == 0)[0])
    codes = [nearest(values, b / m) if m > 0 else zero[:len(b)] for b, m in zip(blocks, largest)]
    return numpy.concatenate(codes), largest


def dequantize(values: numpy.ndarray, codes: numpy.ndarray, largest: numpy.ndarray) -> numpy.ndarray:
    return values[codes] * numpy.repeat(largest, BLOCK)[:len(codes)]


def gradient(table: numpy.ndarray, length: int, step: int) -> numpy.ndarray:
    """Step from 0. The fourth block has none, so that its states stay zero."""
    at = numpy.arange(length)
    values = table[(7 * at + 13 * step) % len(table)].copy()
    values[at // BLOCK == 3] = 0
    return values


def trajectory_8bit(table: numpy.ndarray, length: int, steps: int) -> dict[str, numpy.ndarray]:
    f = numpy.float32
    maps = dynamic_map(True), dynamic_map(False)
    p = table[numpy.arange(length) % len(table)].copy()
    blocks = -(-length // BLOCK)
    codes = [numpy.zeros(length, dtype=int), numpy.zeros(length, dtype=int)]
    largest = [numpy.zeros(blocks, dtype=f), numpy.zeros(blocks, dtype=f)]
    rows = []
    for step in range(steps):
        g = gradient(table, length, step)
        m = dequantize(maps[0], codes[0], largest[0]) * f(BETA1) + g * f(1 - BETA1)
        v = dequantize(maps[1], codes[1], largest[1]) * f(BETA2) + g * g * f(1 - BETA2)
        size = f(-LEARNING_RATE / (1 - BETA1 ** (step + 1)))
        root = numpy.sqrt(v) * f(1 / numpy.sqrt(1 - BETA2 ** (step + 1))) + f(EPSILON)
        p = p * f(1 - LEARNING_RATE * DECAY) + m / root * size
        codes[0], largest[0] = quantize(maps[0], m)
        codes[1], largest[1] = quantize(maps[1], v)
        rows.append(p[-257:])
    return {"parameter": p, "last_parameters": numpy.array(rows), "state1": codes[0].astype(f),
            "state2": codes[1].astype(f), "absmax1": largest[0], "absmax2": largest[1]}
