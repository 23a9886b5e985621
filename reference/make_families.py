"""Tiny checkpoints of every model family, their logits, continuations, padding and LoRA gradients.

Proves: config.json is read as transformers reads it, and every optional feature of every family
gives transformers' logits, with and without a KV cache, and PEFT's gradients. Weights are not
stored: `hashed_weights.py` says what they are. Variants: `family_variants.py`; layout and keys:
reference/README.md.

Run: python reference/make_families.py
"""

import json
import shutil
import tempfile
import traceback
from pathlib import Path

import safetensors.torch
import torch
from transformers import AutoModelForCausalLM

from common import (finish, generator, random_tokens, require_close, start, write_json,
                    write_tensors)
from family_legacy import legacy_config
from family_lora import lora_step
from family_variants import ORIGINAL_CONTEXT, VARIANTS, config_of
from hashed_weights import hashed
from make_llama import log_probs
from plain_families import PlainFamily

SEEDS = (11, 12)
LENGTHS = (1, 2, 13, 40)
CONTINUATION = 12
SMALLEST_MARGIN = 0.01
# float32 against float64 of these sizes stays below a tenth of the promised 1e-5 nearly everywhere.
FLOAT32 = 5e-6


def amounts(name: str, shape: list[int], family: str) -> tuple[float, float]:
    """(scale, offset) of a tensor: every part moves the logits, scores are neither flat nor hard."""
    if len(shape) == 1:
        norm = name.endswith("weight")
        return 0.3, float(norm and not family.startswith("gemma"))
    if any(part in name for part in ("embed", "wte", "lm_head")):
        # Gemma multiplies embeddings by sqrt(hidden): larger ones would drown the blocks.
        return (0.3 if "embed" in name and family.startswith("gemma") else 0.6), 0.0
    if "wpe" in name:
        return 0.4, 0.0
    attention = ("q_proj", "k_proj", "qkv_proj", "query_key_value", "c_attn")
    return 0.5 if any(part in name for part in attention) else 0.35, 0.0


def weights_of(shapes: dict, family: str, seed: int) -> dict[str, torch.Tensor]:
    return {n: hashed(n, seed, s, *amounts(n, s, family)) for n, s in shapes.items()}


def write_checkpoint(name: str, folder: Path) -> dict[str, list[int]]:
    """config.json and the names and shapes of the tensors, as save_pretrained writes them."""
    model = AutoModelForCausalLM.from_config(config_of(name), attn_implementation="eager").float()
    model.save_pretrained(folder)
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    return {n: list(stored[n].shape) for n in sorted(stored)}


def load(folder: Path, weights: dict | None = None):
    if weights is not None:
        safetensors.torch.save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()


def forget(model) -> None:
    """Dynamic RoPE keeps the frequencies of the longest sequence so far: begin anew."""
    for module in model.modules():
        if hasattr(module, "max_seq_len_cached"):
            module.__init__(model.config)


def logits_of(model, tokens: list[int], **others) -> torch.Tensor:
    forget(model)
    with torch.no_grad():
        return model(torch.tensor([tokens]), use_cache=False, **others).logits[0].float()


def by_length_of(config: dict) -> bool:
    """Whether the rotation of a token depends on how many follow."""
    rope = config.get("rope_parameters") or {}
    return rope.get("rope_type") in ("dynamic", "longrope")


def cached_logits(model, tokens: list[int]) -> torch.Tensor:
    """A prefill of five tokens, then one token at a time, through forward itself."""
    forget(model)
    with torch.no_grad():
        out = model(torch.tensor([tokens[:5]]), use_cache=True)
        rows = [out.logits[0]]
        for token in tokens[5:]:
            out = model(torch.tensor([[token]]), past_key_values=out.past_key_values,
                        use_cache=True)
            rows.append(out.logits[0])
    return torch.cat(rows).float()


def greedy(model, prompt: list[int]) -> tuple[list[int], float]:
    """The most likely next tokens without a cache, and the smallest lead of the winner."""
    tokens, margin = list(prompt), float("inf")
    for _ in range(CONTINUATION):
        best = logits_of(model, tokens)[-1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        tokens.append(best.indices[0].item())
    return tokens[len(prompt):], margin


def kept_cache(model, prompt: list[int]) -> tuple[list[int], float]:
    """The same with a cache that keeps its keys, rotated as they were when they came in."""
    forget(model)
    ids, past, new, margin = torch.tensor([prompt]), None, [], float("inf")
    with torch.no_grad():
        for _ in range(CONTINUATION):
            out = model(ids, past_key_values=past, use_cache=True)
            best = out.logits[0, -1].topk(2)
            margin = min(margin, (best.values[0] - best.values[1]).item())
            past, ids = out.past_key_values, best.indices[:1].view(1, 1)
            new.append(ids.item())
    return new, margin


def generated(model, prompt: list[int]) -> list[int]:
    forget(model)
    model.generation_config.eos_token_id = None
    out = model.generate(torch.tensor([prompt]), max_new_tokens=CONTINUATION, do_sample=False,
                         use_cache=True, eos_token_id=None, pad_token_id=0,
                         attention_mask=torch.ones(1, len(prompt), dtype=torch.long))
    return out[0, len(prompt):].tolist()


def forgetful(model, prompt: list[int], right: list[int]) -> list[int]:
    """What Phi-3's generate answers: past the original context each step sees one token only."""
    tokens = list(prompt)
    for step in range(CONTINUATION):
        if len(prompt) <= model.config.original_max_position_embeddings < len(tokens):
            tokens.append(logits_of(model, tokens[-1:])[-1].argmax().item())
        else:
            tokens.append(right[step])
    return tokens[len(prompt):]


def clear_prompt(model, length: int, g, by_length: bool) -> dict:
    """A prompt of this length whose continuation varies and is decided by a clear margin."""
    beyond = by_length and length + CONTINUATION - 1 > ORIGINAL_CONTEXT
    for _ in range(500):
        prompt = random_tokens(length, model.config.vocab_size, g)
        continuation, margin = greedy(model, prompt)
        if margin < SMALLEST_MARGIN or len(set(continuation)) < 4:
            continue
        kept, kept_margin = kept_cache(model, prompt)
        found, differs = generated(model, prompt), kept != continuation
        if differs and not beyond:
            raise AssertionError(f"with a cache {kept}, without {continuation}")
        if kept_margin < SMALLEST_MARGIN:
            continue
        if beyond and length <= ORIGINAL_CONTEXT and not differs:
            continue  # a continuation that crosses the border shows the difference
        entry = {"prompt": prompt, "continuation": continuation, "smallest_margin": margin}
        if differs:
            entry |= {"kept_cache": kept, "generate": found}
        is_phi3 = model.config.model_type == "phi3"
        if found != (forgetful(model, prompt, continuation) if is_phi3 else kept):
            raise AssertionError(f"generate says {found}")
        return entry
    raise AssertionError("no prompt with a clear margin")


def batched(model, rows: list[list[int]], side: str) -> list[torch.Tensor]:
    """The logits at the real positions of a padded batch."""
    width = max(len(r) for r in rows)
    ids, mask = torch.zeros(len(rows), width, dtype=torch.long), []
    for i, row in enumerate(rows):
        begin = width - len(row) if side == "left" else 0
        ids[i, begin:begin + len(row)] = torch.tensor(row)
        mask.append([int(begin <= t < begin + len(row)) for t in range(width)])
    mask = torch.tensor(mask)
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    forget(model)
    with torch.no_grad():
        logits = model(ids, attention_mask=mask, position_ids=positions, use_cache=False).logits
    return [logits[i][mask[i].bool()].float() for i in range(len(rows))]


def padded(model, sequences: list[list[int]], alone: list[torch.Tensor], same_length) -> dict:
    """Largest relative difference of a padded batch from the unpadded sequences."""
    chosen = range(3) if same_length else range(1, 4)
    out = {"sequences": list(chosen)}
    for side in ("left", "right"):
        rows = batched(model, [sequences[i] for i in chosen], side)
        out[side] = max(require_close(f"padding {side}", row, alone[i], 1e-5)
                        for i, row in zip(chosen, rows))
    if same_length:  # the longest row of a batch decides the frequencies of all rows
        rows = batched(model, [sequences[i] for i in range(1, 4)], "right")
        out["difference_beside_a_long_row"] = max(
            ((row - alone[i]).abs().max() / alone[i].abs().max()).item()
            for i, row in zip(range(1, 4), rows))
    return out


def check_legacy(folder: Path, tokens: list[int], logits: torch.Tensor) -> dict:
    """The legacy form of config.json, if transformers gives exactly the same logits with it."""
    legacy = legacy_config(json.loads((folder / "config.json").read_text()))
    with tempfile.TemporaryDirectory() as other:
        shutil.copy(folder / "model.safetensors", other)
        (Path(other) / "config.json").write_text(json.dumps(legacy))
        if not torch.equal(logits_of(load(Path(other)), tokens), logits):
            raise AssertionError(f"legacy config means something else: {legacy}")
    return legacy


def answers(name: str, model, config: dict, weights: dict, g) -> tuple[dict, list[torch.Tensor]]:
    """(what expected.json says of the first seed, logits of its sequences)."""
    sequences = [random_tokens(n, config["vocab_size"], g) for n in LENGTHS]
    logits = [logits_of(model, tokens) for tokens in sequences]
    plain = PlainFamily(config, {k: v.double() for k, v in weights.items()})
    error = max(require_close(f"{name} plain {len(t)}", a, plain(t), FLOAT32)
                for t, a in zip(sequences, logits))
    by_length = by_length_of(config)
    cached = require_close(f"{name} cache", cached_logits(model, sequences[3]), logits[3],
                           10.0 if by_length else FLOAT32)
    return {
        "float32_error": error,
        "sequences": [{"tokens": t, "log_probs": log_probs(a, t),
                       "largest_logit": a.abs().max().item()} for t, a in zip(sequences, logits)],
        "cached_difference": cached,
        "greedy": [clear_prompt(model, n, g, by_length)
                   for n in ((3, 10, 20) if by_length else (3, 13))],
        "padded": padded(model, sequences, logits, by_length),
    }, logits


def write_variant(name: str, number: int, out: Path) -> float:
    family = name.split("-")[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shapes = write_checkpoint(name, folder)
        weights = weights_of(shapes, family, SEEDS[0])
        model = load(folder, weights)
        config = json.loads((folder / "config.json").read_text())
        expected = {"seed": SEEDS[0], "tensors": [
            {"name": n, "shape": s, "scale": amounts(n, s, family)[0],
             "offset": amounts(n, s, family)[1]} for n, s in shapes.items()]}
        found, logits = answers(name, model, config, weights, generator(1000 + 10 * number))
        tokens = found["sequences"][2]["tokens"]
        expected |= found
        expected["lora"] = lora_step(load(folder), config, weights, tokens, out / name)
        legacy = check_legacy(folder, found["sequences"][3]["tokens"], logits[3])
        second = logits_of(load(folder, weights_of(shapes, family, SEEDS[1])), tokens)
        expected["second_seed"] = {"seed": SEEDS[1], "tokens": tokens,
                                   "log_probs": log_probs(second, tokens)}
        for file in ("config.json", "generation_config.json"):
            if (folder / file).exists():
                shutil.copyfile(folder / file, out / name / file)
    (out / name / "config.legacy.json").write_text(json.dumps(legacy, indent=2) + "\n")
    write_tensors(out / name / "logits.safetensors",
                  {f"logits.{i}": a for i, a in enumerate(logits)} | {"second_seed": second})
    write_json(out / name / "expected.json", expected)
    return found["float32_error"]


def write_hashed(path: Path) -> None:
    """Recorded values of the function that makes the weights, for its second implementation."""
    cases = []
    for name, seed, begin, scale, offset in (
            ("model.embed_tokens.weight", 11, 0, 0.6, 0.0), ("lm_head.weight", 12, 977, 0.35, 0.0),
            ("model.norm.weight", 11, 3, 0.3, 1.0), ("ä.weight", -5, 0, 1.0, -0.5)):
        values = hashed(name, seed, [begin + 7], scale, offset)[begin:]
        cases.append({"name": name, "seed": seed, "begin": begin, "scale": scale,
                      "offset": offset, "values": values.tolist()})
    write_json(path, cases)


def main() -> None:
    out, failed = start("families"), []
    write_hashed(out / "hashed.json")
    for number, name in enumerate(VARIANTS):
        (out / name).mkdir()
        try:
            error = write_variant(name, number, out)
            size = sum(p.stat().st_size for p in (out / name).iterdir())
            print(f"{name}: float32 against float64 {error:.2g}, {size / 1e3:.0f} kB", flush=True)
        except Exception:  # report every variant that fails, not the first
            traceback.print_exc()
            shutil.rmtree(out / name)
            failed.append(name)
    finish(out)
    raise SystemExit(f"failed: {failed}" if failed else 0)


if __name__ == "__main__":
    main()
