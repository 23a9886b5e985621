"""Quantised weights by an independent NumPy implementation of bitsandbytes' published layout, a
Llama over them, and PEFT's training on the dequantised weights (QLoRA, QDoRA).

Proves: codes, scales and dequantised values agree byte by byte at awkward sizes; a checkpoint in
the published layout loads; logits and losses over a quantised base agree with transformers and PEFT
on the same dequantised weights. bitsandbytes itself needs a GPU; the tables and the rule are those
of its CUDA kernels. Needs make_llama.py's, make_training.py's and
make_dora.py's output.

Run: python reference/make_quant.py
"""

import json
import math
import shutil

import numpy as np
import safetensors.torch
import torch
from peft import PeftModel
from transformers import LlamaForCausalLM

from common import FIXTURES, finish, start, write_json, write_tensors
from dynamic_adamw import dynamic_map
from make_dora import LORA as DORA
from make_llama import logits_of
from make_training import SETTINGS, LORA, save_adapter, train

F = np.float32
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
                -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
                0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], F)
FP4 = np.array([0, .0625, 8, 12, 4, 6, 2, 3, -0.0, -.0625, -8, -12, -4, -6, -2, -3], F) / F(12)
MAPS = {"nf4": NF4, "fp4": FP4}
BASE = "tied-gqa"
NESTED_BLOCK = 256


def nf4_code(x) -> int:
    """The decision tree of bitsandbytes' CUDA kernels, written out; NaN goes left everywhere."""
    if x > F(0.03979014977812767):
        if x > F(0.3893125355243683):
            if x > F(0.6427869200706482):
                return 15 if x > F(0.8614784181118011) else 14
            return 13 if x > F(0.5016634166240692) else 12
        if x > F(0.2035212516784668):
            return 11 if x > F(0.2920137718319893) else 10
        return 9 if x > F(0.1202552504837513) else 8
    if x > F(-0.33967943489551544):
        if x > F(-0.13791173323988914):
            return 7 if x > F(-0.045525018125772476) else 6
        return 5 if x > F(-0.23460740596055984) else 4
    if x > F(-0.6106329262256622):
        return 3 if x > F(-0.4599952697753906) else 2
    return 1 if x > F(-0.8480964004993439) else 0


def fp4_code(x) -> int:
    sign, x = (8 if x < 0 else 0), abs(x)
    if x > F(0.29166667):
        if x > F(0.583333):
            return (3 if x > F(0.8333333) else 2) + sign
        return (5 if x > F(0.4166667) else 4) + sign
    if x > F(0.0859375):
        return (7 if x > F(0.20833333) else 6) + sign
    return (1 if x > F(0.00260417) else 0) + sign


CODES = {"nf4": nf4_code, "fp4": fp4_code}


DYNAMIC = dynamic_map(signed=True)


def dynamic_code(x) -> int:
    """dQuantize of the CUDA kernels: halving search, then the midpoint to the far neighbour."""
    pivot, upper, lower, step = 127, 255, 0, 64
    while step > 0:
        if x > DYNAMIC[pivot]:
            lower, pivot = pivot, pivot + step
        else:
            upper, pivot = pivot, pivot - step
        step //= 2
    value = DYNAMIC[pivot]
    if x > value:
        return upper if x > (DYNAMIC[upper] + value) * F(0.5) else pivot
    return lower if x < (DYNAMIC[lower] + value) * F(0.5) else pivot


def scaled_blocks(flat: np.ndarray, size: int):
    """(values / largest magnitude, largest magnitude) block by block, as x * (1/absmax)."""
    for begin in range(0, len(flat), size):
        block = flat[begin:begin + size]
        absmax = np.abs(block).max()
        yield block * (F(1) / absmax), absmax


def quantize_4bit(weight: np.ndarray, kind: str, size: int, nested: bool) -> dict:
    flat, codes, absmax = weight.reshape(-1), [], []
    for scaled, largest in scaled_blocks(flat, size):
        codes += [CODES[kind](x) for x in scaled]
        absmax.append(largest)
        padding = CODES[kind](F(0) * (F(1) / largest))
    if len(codes) % 2:
        codes.append(padding)
    packed = np.array([h << 4 | l for h, l in zip(codes[::2], codes[1::2])], np.uint8)
    absmax = np.array(absmax, F)
    pieces = {"": packed.reshape(-1, 1), ".quant_map": MAPS[kind]}
    state = {"quant_type": kind, "blocksize": size, "dtype": "float32",
             "shape": list(weight.shape)}
    if nested:
        offset = F(math.fsum(absmax.tolist()) / len(absmax))
        blocks = list(scaled_blocks(absmax - offset, NESTED_BLOCK))
        bytes_ = np.array([dynamic_code(x) for scaled, _ in blocks for x in scaled], np.uint8)
        nested_absmax = np.array([largest for _, largest in blocks], F)
        pieces |= {".absmax": bytes_, ".nested_absmax": nested_absmax, ".nested_quant_map": DYNAMIC}
        state |= {"nested_blocksize": NESTED_BLOCK, "nested_dtype": "float32",
                  "nested_offset": float(offset)}
    else:
        pieces[".absmax"] = absmax
    text = json.dumps(state).encode()
    pieces[f".quant_state.bitsandbytes__{kind}"] = np.frombuffer(text, np.uint8)
    return pieces


def dequantize_4bit(pieces: dict) -> np.ndarray:
    state = json.loads(next(v for k, v in pieces.items() if "quant_state" in k).tobytes())
    count = math.prod(state["shape"])
    packed = pieces[""].reshape(-1)
    codes = np.stack([packed >> 4, packed & 15], 1).reshape(-1)[:count]
    scales = pieces[".absmax"]
    if "nested_offset" in state:
        nested = np.repeat(pieces[".nested_absmax"], state["nested_blocksize"])[:len(scales)]
        scales = pieces[".nested_quant_map"][scales] * nested + F(state["nested_offset"])
    scales = np.repeat(scales, state["blocksize"])[:count]
    return (pieces[".quant_map"][codes] * scales).reshape(state["shape"]).astype(F)


def quantize_int8(weight: np.ndarray) -> dict:
    """Row-wise; without the rounding to float16 that bitsandbytes does first."""
    scales = np.abs(weight).max(1).astype(F)
    factors = np.where(scales > 0, F(127) / np.where(scales > 0, scales, F(1)), F(0)).astype(F)
    return {".weight": np.rint(weight * factors[:, None]).clip(-127, 127).astype(np.int8),
            ".SCB": scales, ".weight_format": np.array(0, np.uint8)}


def dequantize_int8(pieces: dict) -> np.ndarray:
    return pieces[".weight"].astype(F) * pieces[".SCB"][:, None] * F(7.874015718698502e-3)


def awkward(rows: int, columns: int, seed: int) -> np.ndarray:
    """Normal values with blocks of zeros, exact thresholds (ties), negative zeros; two in three end
    in numbers near the ends of float32."""
    rng = np.random.default_rng(seed)
    flat = rng.standard_normal(rows * columns).astype(F) * F(0.02)
    n = len(flat)
    flat[:min(n // 3, 128)] = 0                       # whole blocks of zeros where they are small
    at = n // 2
    ties = [F(0.03979014977812767), F(-0.8480964004993439), F(0.8614784181118011),
            F(-0.13791173323988914), F(0.29166667), F(-0.583333), F(0.00260417), F(-0.0)]
    flat[at:at + 8] = ties[:max(0, min(8, n - at))]
    flat[at + 8:at + 9] = 1                           # the scale of the ties: they stay themselves
    if seed % 3:
        flat[-3:] = [F(1e-30), F(-3e20), F(1e-42)][:min(3, n)]
    return flat.reshape(rows, columns)


CASES = [("nf4", 64, True, 3, 50), ("nf4", 64, False, 7, 33), ("nf4", 32, True, 1, 1),
         ("nf4", 128, True, 37, 129), ("nf4", 4096, True, 5, 1000), ("nf4", 32, True, 131, 77),
         ("fp4", 64, True, 3, 50), ("fp4", 64, False, 13, 13), ("fp4", 32, False, 31, 77),
         ("fp4", 256, True, 24, 64), ("fp4", 2048, True, 23, 101)]
INT8_CASES = [(1, 1), (3, 50), (31, 77), (12, 64)]


def tensors(pieces: dict) -> dict:
    return {k: torch.from_numpy(np.array(v)) for k, v in pieces.items()}


def write_cases(out) -> None:
    """Every case in the layout of a checkpoint: source, quantised pieces and dequantised values."""
    everything, cases = {}, []
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for i, (kind, size, nested, rows, columns) in enumerate(CASES):
            source = awkward(rows, columns, i)
            pieces = quantize_4bit(source, kind, size, nested)
            name = f"case{i}"
            everything |= {f"{name}.weight{k}": v for k, v in tensors(pieces).items()}
            everything |= tensors({f"{name}.source": source,
                                   f"{name}.dequantized": dequantize_4bit(pieces)})
            cases.append({"name": name, "quantization": kind, "block_size": size,
                          "double_quant": nested, "shape": [rows, columns]})
        for i, (rows, columns) in enumerate(INT8_CASES, len(CASES)):
            source = awkward(rows, columns, i)
            source[0] = 0 if rows > 1 else source[0]
            pieces = quantize_int8(source)
            name = f"case{i}"
            everything |= {f"{name}{k}": v for k, v in tensors(pieces).items()}
            everything |= tensors({f"{name}.source": source,
                                   f"{name}.dequantized": dequantize_int8(pieces)})
            cases.append({"name": name, "quantization": "int8", "block_size": 64,
                          "double_quant": False, "shape": [rows, columns]})
    write_json(out / "cases.json", cases)
    folder = out / "cases"
    folder.mkdir()
    safetensors.torch.save_file(everything, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(
        '{"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}}\n')


def is_linear(key: str) -> bool:
    return key.endswith("_proj.weight")


QUANTISATIONS = {"nf4": lambda w: quantize_4bit(w, "nf4", 64, True),
                 "fp4": lambda w: quantize_4bit(w, "fp4", 64, False),
                 "int8": quantize_int8}
CONFIGS = {"nf4": {"load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": "nf4",
                   "bnb_4bit_use_double_quant": True, "bnb_4bit_quant_storage": "uint8"},
           "fp4": {"load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": "fp4",
                   "bnb_4bit_use_double_quant": False, "bnb_4bit_quant_storage": "uint8"},
           "int8": {"load_in_4bit": False, "load_in_8bit": True, "llm_int8_threshold": 6.0}}


def write_model(out, kind: str) -> None:
    """tied-gqa with quantised linear maps, and transformers' logits on the dequantised weights."""
    base = FIXTURES / f"llama/{BASE}/model"
    model = LlamaForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation="eager").eval()
    stored = {}
    with torch.no_grad():
        for key, value in safetensors.torch.load_file(base / "model.safetensors").items():
            if not is_linear(key):
                stored[key] = value
                continue
            pieces = QUANTISATIONS[kind](value.numpy())
            dequantize = dequantize_int8 if kind == "int8" else dequantize_4bit
            stem = key.removesuffix(".weight") if kind == "int8" else key
            stored |= {stem + piece: v for piece, v in tensors(pieces).items()}
            model.get_parameter(key).copy_(torch.from_numpy(dequantize(pieces)))
    folder = out / kind / "model"
    folder.mkdir(parents=True)
    safetensors.torch.save_file(stored, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((base / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", **CONFIGS[kind],
                                     "llm_int8_skip_modules": ["lm_head"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    sequences = [s["tokens"] for s in
                 json.loads((FIXTURES / f"llama/{BASE}/expected.json").read_text())["sequences"]]
    write_tensors(out / kind / "logits.safetensors",
                  {f"logits.{i}": logits_of(model, t) for i, t in enumerate(sequences)})


def write_training(out, technique: str, start_folder, batches, numbers: dict) -> None:
    """PEFT's training over the dequantised NF4 weights: what QLoRA and QDoRA do."""
    model = PeftModel.from_pretrained(
        dequantised_nf4(), FIXTURES / start_folder, is_trainable=True).train()
    parameters = {k: p for k, p in model.named_parameters() if p.requires_grad}
    records, _ = train(lambda t: model(torch.tensor([t]), use_cache=False).logits[0], parameters,
                       batches, SETTINGS)
    folder = out / f"nf4/{technique}"
    save_adapter(model, folder / "final", BASE)
    write_json(folder / "expected.json",
               {"settings": {"base": BASE, "technique": technique, **numbers,
                             "start": start_folder, **SETTINGS}, "steps": records})
    print(f"{technique}: loss {records[0]['loss']:.4f} -> {records[-1]['loss']:.4f}")


def dequantised_nf4() -> LlamaForCausalLM:
    model = LlamaForCausalLM.from_pretrained(
        FIXTURES / f"llama/{BASE}/model", dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        for key, value in model.named_parameters():
            if is_linear(key):
                pieces = QUANTISATIONS["nf4"](value.numpy())
                value.copy_(torch.from_numpy(dequantize_4bit(pieces)))
    return model


def main() -> None:
    out = start("quant")
    write_cases(out)
    for kind in QUANTISATIONS:
        write_model(out, kind)
    shutil.rmtree(out / "fp4/model")                  # only its logits: the size of the repository
    for technique, folder, start_folder, numbers in (
            ("qlora", "training", "start", LORA), ("qdora", "dora", "moved/start", DORA)):
        batches = json.loads((FIXTURES / folder / BASE / "batches.json").read_text())
        write_training(out, technique, f"{folder}/{BASE}/{start_folder}", batches, numbers)
    finish(out)


if __name__ == "__main__":
    main()
