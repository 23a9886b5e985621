"""LoftQ's start by PEFT's own loop (peft.utils.loftq_utils.loftq_init), with the NumPy quantisation of
make_quant.py in the place of bitsandbytes, which needs a GPU.

Proves: after every number of turns the dequantised base Q and the product of the adapter's matrices
are PEFT's, for NF4, FP4 and int8, with double quantisation and without, and the distance of Q + BA
from W is. Matrices themselves are not compared: their signs are free.

The codes must not hang on the last bits of a decomposition: the same loop in float64 has to find
every code again, or this script stops.

Run: python reference/make_loftq.py
"""

import importlib.machinery
import sys
import types

import numpy as np
import torch
from peft.utils import loftq_utils

from common import finish, start, write_json, write_tensors
from make_quant import dequantize_4bit, dequantize_int8, quantize_4bit, quantize_int8

F = np.float32
TURNS = (1, 2, 5)
CASES = [("nf4", 64, False, 37, 50, 4), ("nf4", 64, True, 24, 64, 8), ("nf4", 32, True, 50, 21, 4),
         ("fp4", 64, False, 33, 29, 4), ("int8", 64, False, 26, 40, 5)]


def round_trip(kind: str, size: int, nested: bool, weight: np.ndarray) -> np.ndarray:
    """What the codes of a float32 weight stand for."""
    if kind == "int8":
        return dequantize_int8(quantize_int8(weight))
    return dequantize_4bit(quantize_4bit(weight, kind, size, nested))


class Held:
    """Params4bit and Int8Params as far as loftq_init asks: the values after the round trip."""

    def __init__(self, weight, case):
        self.data = torch.from_numpy(round_trip(*case, weight.numpy()))
        self.quant_state = self.SCB = None

    def to(self, _device):
        return self


def fake_bitsandbytes(case):
    """A module with the four names that loftq_init uses; CASE decides on the format."""
    bnb = types.ModuleType("bitsandbytes")
    bnb.__spec__ = importlib.machinery.ModuleSpec("bitsandbytes", None)
    bnb.nn = types.SimpleNamespace(Params4bit=lambda w, **_: Held(w, case),
                                   Int8Params=lambda w, **_: Held(w, case))
    bnb.functional = types.SimpleNamespace(dequantize_4bit=lambda data, _: data,
                                           int8_vectorwise_dequant=lambda data, _: data)
    return bnb


def on_cpu(to):
    """loftq_init asks for a GPU by name; everything stays where it is."""
    def moved(self, *args, **kwargs):
        args = ["cpu" if a in ("cuda", "xpu") else a for a in args]
        if kwargs.get("device") in ("cuda", "xpu"):
            kwargs["device"] = "cpu"
        return to(self, *args, **kwargs)
    return moved


def peft_start(case, weight: np.ndarray, rank: int, turns: int):
    """(Q, B·A) of PEFT."""
    sys.modules["bitsandbytes"] = fake_bitsandbytes(case)
    try:
        q, a, b = loftq_utils.loftq_init(
            torch.from_numpy(weight), 8 if case[0] == "int8" else 4, rank, turns)
    finally:
        del sys.modules["bitsandbytes"]
    return q.numpy(), (b.double() @ a.double()).numpy()


def exact_start(case, weight: np.ndarray, rank: int, turns: int):
    """The same in float64 but for what is quantised, and (σᵣ − σᵣ₊₁) / σ₁ of the last residual."""
    rest = weight
    for _ in range(turns):
        q = round_trip(*case, rest.astype(F))
        u, s, vt = np.linalg.svd(weight.astype(np.float64) - q)
        product = u[:, :rank] * s[:rank] @ vt[:rank]
        rest = weight - product
    return q, product, (s[rank - 1] - s[rank]) / s[0]


def main() -> None:
    out = start("loftq")
    loftq_utils.is_bnb_available = loftq_utils.is_bnb_4bit_available = lambda: True
    torch.Tensor.to = on_cpu(torch.Tensor.to)
    tensors, cases = {}, []
    for i, (kind, size, nested, rows, columns, rank) in enumerate(CASES):
        rng = np.random.default_rng(i)
        weight = (rng.standard_normal((rows, columns)) * 0.02).astype(F)
        tensors[f"case{i}.weight"] = torch.from_numpy(weight)
        turns = []
        for count in TURNS:
            q, product = peft_start((kind, size, nested), weight, rank, count)
            exact_q, exact, gap = exact_start((kind, size, nested), weight, rank, count)
            # Scales move by an ulp with W - BA; a code would move by a hundredth of the largest.
            assert np.abs(q - exact_q).max() < 1e-5 * np.abs(q).max(), f"case {i}: codes differ"
            drift = np.linalg.norm(product - exact) / np.linalg.norm(exact)
            error = np.linalg.norm(weight - q - product) / np.linalg.norm(weight)
            tensors[f"case{i}.{count}.base"] = torch.from_numpy(q)
            tensors[f"case{i}.{count}.product"] = torch.from_numpy(product.astype(F))
            turns.append({"turns": count, "error": float(error), "gap": float(gap),
                          "drift": float(drift)})
        plain = np.linalg.norm(weight - round_trip(kind, size, nested, weight))
        cases.append({"name": f"case{i}", "quantization": kind, "block_size": size,
                      "double_quant": nested, "rank": rank,
                      "error_without": float(plain / np.linalg.norm(weight)), "turns": turns})
        errors = [f"{cases[-1]['error_without']:.4f}"] + [f"{t['error']:.4f}" for t in turns]
        print(kind, size, nested, "error", " ".join(errors),
              "drift", max(t["drift"] for t in turns), "gap", min(t["gap"] for t in turns))
    write_json(out / "cases.json", cases)
    write_tensors(out / "cases.safetensors", tensors)
    finish(out)


if __name__ == "__main__":
    main()
