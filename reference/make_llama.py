"""Tiny random Llama checkpoints made by transformers, with their logits and greedy continuations.

Proves: config.json and safetensors (single, sharded, bfloat16, float16) are read as transformers
reads them, and the forward pass, grouped heads, biases, tied and untied heads, RoPE types and the
KV cache give transformers' logits. Layout and keys: reference/README.md.

Run: python reference/make_llama.py
"""

import json

import safetensors.torch
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from common import (finish, generator, normal, random_tokens, require_close, start, write_json,
                    write_tensors)
from plain_llama import PlainLlama

THETA = {"rope_type": "default", "rope_theta": 10000.0}
SMALL = dict(vocab_size=131, hidden_size=32, intermediate_size=52, num_hidden_layers=2,
             num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
             tie_word_embeddings=True)
CONFIGS = {
    "tied-gqa": dict(vocab_size=331, hidden_size=64, intermediate_size=172, num_hidden_layers=3,
                     num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                     tie_word_embeddings=True, rms_norm_eps=1e-5, rope_parameters=THETA),
    "untied-odd": dict(vocab_size=257, hidden_size=48, intermediate_size=77, num_hidden_layers=2,
                       num_attention_heads=6, num_key_value_heads=3, head_dim=10,
                       max_position_embeddings=128, tie_word_embeddings=False, rms_norm_eps=1e-6,
                       rope_parameters={"rope_type": "default", "rope_theta": 50000.0}),
    "mha-bias": dict(vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
                     num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128,
                     tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
                     rms_norm_eps=1e-5, rope_parameters=THETA),
    "llama3-rope": SMALL | dict(rope_parameters={
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 32}),
    "linear-rope": SMALL | dict(rope_parameters={
        "rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}),
}
LENGTHS = {"llama3-rope": (1, 2, 13, 47, 100), "linear-rope": (1, 2, 13, 47, 100)}
SHARD_BYTES = 150_000
CONTINUATION = 20
# Greedy ids are only a fair test where rounding cannot swap the two best tokens.
SMALLEST_MARGIN = 0.01


def build(name: str, number: int) -> LlamaForCausalLM:
    """A model whose weights are large enough that every part of it moves the logits."""
    config = LlamaConfig(**CONFIGS[name], attn_implementation="eager")
    model = LlamaForCausalLM(config).float().eval()
    g = generator(100 * number)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "norm" in key:
                parameter.copy_(1 + normal(parameter.shape, g, 0.2))
            elif key.endswith("bias"):
                parameter.copy_(normal(parameter.shape, g, 0.3))
            else:
                parameter.copy_(normal(parameter.shape, g, 0.2))
    return model


def logits_of(model, tokens: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([tokens]), use_cache=False).logits[0].float()


def log_probs(logits: torch.Tensor, tokens: list[int]) -> list[float]:
    """log p(tokens[t] | before) for t >= 1, in float64 from the float32 logits."""
    table = logits.double().log_softmax(-1)
    return [table[t - 1, tokens[t]].item() for t in range(1, len(tokens))]


def greedy(model, prompt: list[int]) -> tuple[list[int], float]:
    """The 20 most likely next tokens, without a cache, and the smallest lead of the winner."""
    tokens, margin = list(prompt), float("inf")
    for _ in range(CONTINUATION):
        best = logits_of(model, tokens)[-1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        tokens.append(best.indices[0].item())
    return tokens[len(prompt):], margin


def greedy_with_cache(model, prompt: list[int]) -> list[int]:
    out = model.generate(torch.tensor([prompt]), max_new_tokens=CONTINUATION, do_sample=False,
                         use_cache=True, eos_token_id=None, pad_token_id=0,
                         attention_mask=torch.ones(1, len(prompt), dtype=torch.long))
    return out[0, len(prompt):].tolist()


def cached_logits(model, tokens: list[int]) -> torch.Tensor:
    """The logits with a KV cache: a prefill of five tokens, then one token at a time."""
    out, rows = model(torch.tensor([tokens[:5]]), use_cache=True), []
    rows.append(out.logits[0])
    for token in tokens[5:]:
        out = model(torch.tensor([[token]]), past_key_values=out.past_key_values, use_cache=True)
        rows.append(out.logits[0])
    return torch.cat(rows).float()


def clear_prompt(model, length: int, g) -> dict:
    """A prompt of this length whose continuation is decided by a clear margin."""
    for _ in range(200):
        prompt = random_tokens(length, model.config.vocab_size, g)
        continuation, margin = greedy(model, prompt)
        if margin >= SMALLEST_MARGIN:
            if greedy_with_cache(model, prompt) != continuation:
                raise AssertionError("generation with and without a cache differ")
            return {"prompt": prompt, "continuation": continuation, "smallest_margin": margin}
    raise AssertionError("no prompt with a clear margin")


def write_expected(folder, saved, lengths, number: int) -> None:
    """Loads the checkpoint again as a user would, in float32, and writes what it answers."""
    model = LlamaForCausalLM.from_pretrained(
        saved, dtype=torch.float32, attn_implementation="eager").eval()
    config = model.config.to_dict()
    weights = {k: v.double() for k, v in model.state_dict().items()}
    plain, g = PlainLlama(config, weights), generator(100 * number + 1)
    sequences, tensors, worst = [], {}, 0.0
    for i, length in enumerate(lengths):
        tokens = random_tokens(length, config["vocab_size"], g)
        logits = logits_of(model, tokens)
        worst = max(worst, require_close(f"{folder.name} plain", logits, plain(tokens), 3e-6))
        if length > 5:
            with torch.no_grad():
                require_close(f"{folder.name} cache", cached_logits(model, tokens), logits, 3e-6)
        tensors[f"logits.{i}"] = logits
        sequences.append({"tokens": tokens, "log_probs": log_probs(logits, tokens)})
    write_tensors(folder / "logits.safetensors", tensors)
    write_json(folder / "expected.json", {
        "float32_error": worst,
        "sequences": sequences,
        "greedy": [clear_prompt(model, n, g) for n in (3, 17)],
    })
    print(f"{folder.name}: float32 against float64 {worst:.2g}")


def write_legacy_config(saved) -> None:
    """The same settings under the keys of transformers 4, as most published checkpoints have."""
    config = json.loads((saved / "config.json").read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.46.0"
    legacy = saved.parent / "config.legacy.json"
    legacy.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    again = LlamaConfig(**json.loads(legacy.read_text()))
    if again.rope_parameters != LlamaConfig.from_pretrained(saved).rope_parameters:
        raise AssertionError(f"{saved}: legacy config means something else")


def main() -> None:
    out = start("llama")
    models = {name: build(name, number) for number, name in enumerate(CONFIGS, 1)}
    for number, (name, model) in enumerate(models.items(), 1):
        model.save_pretrained(out / name / "model")
        write_legacy_config(out / name / "model")
        write_expected(out / name, out / name / "model", LENGTHS.get(name, (1, 2, 13, 47)), number)

    tied = models["tied-gqa"]
    sharded = out / "tied-gqa-sharded/model"
    tied.save_pretrained(sharded, max_shard_size=SHARD_BYTES)
    shards = sorted(sharded.glob("*.safetensors"))
    assert len(shards) >= 3 and (sharded / "model.safetensors.index.json").exists()
    single = safetensors.torch.load_file(out / "tied-gqa/model/model.safetensors")
    joined = {k: v for s in shards for k, v in safetensors.torch.load_file(s).items()}
    assert single.keys() == joined.keys() and all(torch.equal(single[k], joined[k]) for k in single)

    for number, dtype in ((11, torch.bfloat16), (12, torch.float16)):
        name = f"tied-gqa-{str(dtype).removeprefix('torch.')}"
        build("tied-gqa", 1).to(dtype).save_pretrained(out / name / "model")
        write_expected(out / name, out / name / "model", (1, 13), number)
    finish(out)


if __name__ == "__main__":
    main()
