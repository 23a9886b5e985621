"""DoRA as PEFT trains it, step by step: without dropout, and with Lorikeet's own dropout masks.

Proves: from the same start adapter, data order and settings our trainer takes the path of PEFT
(losses, gradient norms, magnitudes), and reads and writes its files. The masks are a hash of
(seed, step, module, example, position, channel), written here a second time, and put in the place
of PEFT's own. Every run is repeated by an independent forward pass in float64.

Needs make_llama.py's output. Layout and keys: reference/README.md.

Run: python reference/make_dora.py
"""

import numpy
import safetensors.torch
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict

from common import (FIXTURES, SEED, finish, generator, normal, require_close, start, write_json,
                    write_tensors)
from make_training import SETTINGS, drift, float64_copy, save_adapter, train, write_run
from plain_llama import PlainLlama
from training_data import random_batches
from transformers import LlamaForCausalLM

VOCABULARY = {"tied-gqa": 331, "mha-bias": 97}
LORA = {"r": 4, "lora_alpha": 8}
# A start that is not the norm shows a magnitude that is computed instead of read.
STRETCH = 0.3
MASK_64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
PREFIX = "base_model.model."


def load_base(name: str):
    return LlamaForCausalLM.from_pretrained(
        FIXTURES / "llama" / name / "model", dtype=torch.float32, attn_implementation="eager")


def finish_bits(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK_64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK_64
    return z ^ (z >> 31)


def mix(a: int, b: int) -> int:
    z = finish_bits((a + GOLDEN) & MASK_64) ^ ((b * GOLDEN + GOLDEN) & MASK_64)
    return finish_bits((z + GOLDEN) & MASK_64)


def fnv(name: str) -> int:
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK_64
    return h


def mask(rate: float, seed: int, step: int, module: str, example: int, rows: int, width: int):
    """[rows, width]: 0 where dropped, otherwise 1/(1 - rate)."""
    base = mix(mix(mix(seed, fnv(module)), step), example)
    keys = numpy.array([mix(base, position) >> 32 for position in range(rows)], dtype=numpy.uint32)
    channels = numpy.arange(width, dtype=numpy.uint32) * numpy.uint32(0x9E3779B9)
    h = keys[:, None] ^ channels[None, :]
    h ^= h >> numpy.uint32(16)
    h *= numpy.uint32(0x21F0AAAD)
    h ^= h >> numpy.uint32(15)
    h *= numpy.uint32(0x735A2D97)
    h ^= h >> numpy.uint32(15)
    kept = h >= numpy.uint32(int(rate * 2 ** 32))
    return torch.from_numpy(kept.astype(numpy.float32)) * numpy.float32(1 / (1 - rate))


class Moment:
    """Where a run is: the seed of its masks, the optimiser's step and the example in its batch."""

    def __init__(self, seed: int, batch: int):
        self.seed, self.batch, self.calls = seed, batch, 0

    def next(self) -> None:
        self.step, self.example = self.calls // self.batch + 1, self.calls % self.batch
        self.calls += 1

    def mask(self, rate: float, module: str, x: torch.Tensor) -> torch.Tensor:
        rows, width = x.shape[-2:]
        return mask(rate, self.seed, self.step, module, self.example, rows, width).to(x.dtype)


class OurDropout(torch.nn.Module):
    """Stands where PEFT has nn.Dropout, so PEFT takes its own path for active dropout."""

    def __init__(self, rate: float, module: str, moment: Moment):
        super().__init__()
        self.rate, self.module, self.moment = rate, module, moment

    def forward(self, x):
        return x * self.moment.mask(self.rate, self.module, x) if self.training else x


class PlainDora(PlainLlama):
    """The formula, with W + s BA written out; `moment` gives the masks."""

    def __init__(self, *arguments, rate=0.0, moment=None):
        super().__init__(*arguments)
        self.rate, self.moment = rate, moment

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        w, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        y = x @ w.T if bias is None else x @ w.T + bias
        a = self.adapter.get(f"{PREFIX}{name}.lora_A.weight")
        if a is None:
            return y
        b = self.adapter[f"{PREFIX}{name}.lora_B.weight"]
        merged = (w + self.lora_scale * b @ a).detach()
        c = self.adapter[f"{PREFIX}{name}.lora_magnitude_vector"] / merged.pow(2).sum(1).sqrt()
        if self.rate > 0:
            x = x * self.moment.mask(self.rate, name, x)
        return y + (c - 1) * (x @ w.T) + c * self.lora_scale * ((x @ a.T) @ b.T)


def make_start(base: str, folder, targets, rate: float, fresh: bool) -> None:
    torch.manual_seed(4343)
    model = get_peft_model(load_base(base), LoraConfig(
        task_type="CAUSAL_LM", target_modules=targets, bias="none", use_dora=True,
        lora_dropout=rate, **LORA))
    if not fresh:
        g = generator(710)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if "lora_B" in key:
                    parameter.copy_(normal(parameter.shape, g, 0.1))
                elif "lora_magnitude" in key:
                    parameter.mul_(1 + normal(parameter.shape, g, STRETCH).clamp(-0.7, 0.7))
    save_adapter(model, folder, base)


def tuned(base: str, folder, trainable: bool):
    return PeftModel.from_pretrained(load_base(base), folder, is_trainable=trainable)


def inject(model, rate: float, moment: Moment) -> None:
    for name, module in model.named_modules():
        if hasattr(module, "lora_magnitude_vector"):
            module.lora_dropout["default"] = OurDropout(
                rate, name.removeprefix(PREFIX), moment)


def file_key(name: str) -> str:
    return name.replace(".default.weight", "").replace(
        "lora_A", "lora_A.weight").replace("lora_B", "lora_B.weight")


def run(out, base: str, variant: str, targets, rate: float, fresh: bool, batches) -> None:
    folder = out / base / variant
    make_start(base, folder / "start", targets, rate, fresh)
    scale = LORA["lora_alpha"] / LORA["r"]
    base_weights = float64_copy(load_base(base).state_dict(), False)

    model = tuned(base, folder / "start", True).train()
    begin = {k: v.clone() for k, v in get_peft_model_state_dict(
        model, save_embedding_layers=False).items()}
    parameters = {file_key(k): p for k, p in model.named_parameters() if p.requires_grad}
    assert begin.keys() == parameters.keys(), begin.keys() ^ parameters.keys()
    moment, exact_moment = (Moment(SEED, len(batches[0])) for _ in range(2))
    if rate > 0:
        inject(model, rate, moment)

    def logits(tokens):
        moment.next()
        return model(torch.tensor([tokens]), use_cache=False).logits[0]

    exact = float64_copy(begin, True)
    plain = PlainDora(model.config.to_dict(), base_weights, exact, scale, rate=rate,
                      moment=exact_moment)

    def exact_logits(tokens):
        exact_moment.next()
        return plain(tokens)

    records, gradients = train(logits, parameters, batches, SETTINGS)
    save_adapter(model, folder / "final", base)
    exact_records, exact_gradients = train(exact_logits, exact, batches, SETTINGS)
    for key in gradients:
        if exact_gradients[key].abs().max() > 0:
            require_close(f"{base} {variant} {key}", gradients[key], exact_gradients[key], 3e-5)
    moved = [((parameters[k] - begin[k]).norm() / begin[k].norm()).item()
             for k in begin if "magnitude" in k]
    assert min(moved) > 1e-3, moved
    write_run(folder, records, drift(records, exact_records, begin, parameters, exact),
              {"base": base, "technique": "dora", **LORA, "lora_dropout": rate, "mask_seed": SEED,
               "smallest_move_of_magnitudes": min(moved), **SETTINGS})
    write_logits(folder, base, scale, base_weights)


def write_logits(folder, base: str, scale: float, base_weights) -> None:
    """What PEFT says with the start and the final adapter, without dropout."""
    tensors = {}
    for end in ("start", "final"):
        model = tuned(base, folder / end, False).eval()
        adapter = safetensors.torch.load_file(folder / end / "adapter_model.safetensors")
        plain = PlainDora(model.config.to_dict(), base_weights, float64_copy(adapter, False), scale)
        tokens = torch.randint(0, VOCABULARY[base], (13,), generator=generator(720))
        with torch.no_grad():
            values = model(tokens[None], use_cache=False).logits[0]
        require_close(f"{base} {end}", values, plain(tokens.tolist()), 3e-6)
        tensors[f"logits.{end}"] = values
    write_json(folder / "logits.json", {"tokens": tokens.tolist()})
    write_tensors(folder / "logits.safetensors", tensors)


def main() -> None:
    out = start("dora")
    for i, base in enumerate(VOCABULARY):
        batches = random_batches(VOCABULARY[base], 20 + i)
        write_json(out / base / "batches.json", batches)
        run(out, base, "fresh", "all-linear", 0.0, True, batches)
        run(out, base, "moved", "all-linear", 0.0, False, batches)
        run(out, base, "dropout", "all-linear", 0.3, False, batches)
    finish(out)


if __name__ == "__main__":
    main()
