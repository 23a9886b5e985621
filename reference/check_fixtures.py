"""Are the committed fixtures right, and would they notice a mistake?

Reads the committed files and runs neither transformers' nor PEFT's models. First, a float64 forward
pass must give the logits, and float64 training the losses and adapters. Then the same computation is broken in one
place after the other; a fixture that stays within our tests' tolerances (logits 1e-5, losses 1e-4,
update 1e-3, all relative) would let that mistake pass: it is named and the exit code is 1.
Takes about 80 seconds.

Run: python reference/check_fixtures.py
"""

import json

import safetensors.torch
import torch

from common import FIXTURES, STORIES, require_close
from make_training import train
from plain_llama import PlainLlama

LOGITS, LOSSES, UPDATE = 1e-5, 1e-4, 1e-3
unnoticed = []


def read(path) -> dict:
    return json.loads(path.read_text())


def doubles(path) -> dict:
    return {k: v.double() for k, v in safetensors.torch.load_file(path).items()}


def verdict(what: str, distances: dict) -> None:
    """distances: name -> (distance, tolerance); one of them must be over its tolerance."""
    seen = any(d > t for d, t in distances.values())
    if not seen:
        unnoticed.append(what)
    shown = ", ".join(f"{k} {d:.2g}" for k, (d, _) in distances.items())
    print(f"  {'noticed  ' if seen else 'UNNOTICED'} {what}: {shown}")


class Ungrouped(PlainLlama):
    """Takes key head h % kv_heads in place of h // group."""

    def attention(self, name, x):
        order = [h for g in range(2) for h in range(g, self.config["num_attention_heads"], 2)]
        dim = self.config["head_dim"]
        rows = torch.cat([torch.arange(h * dim, (h + 1) * dim) for h in order])
        original = self.weights
        self.weights = original | {
            f"{name}.q_proj.weight": original[f"{name}.q_proj.weight"][rows],
            f"{name}.o_proj.weight": original[f"{name}.o_proj.weight"][:, rows]}
        try:
            return super().attention(name, x)
        finally:
            self.weights = original


class Interleaved(PlainLlama):
    """Turns pairs (2i, 2i + 1) in place of (i, i + D/2)."""

    def rotate(self, x):
        order = torch.arange(x.shape[-1]).view(-1, 2).T.flatten()
        turned = super().rotate(x[..., order])
        return turned[..., order.argsort()]


def broken_models(config: dict, weights: dict):
    """(what is wrong, model) for every mistake that applies to this checkpoint."""
    rope = config["rope_parameters"]
    yield "RMSNorm eps ten times larger", PlainLlama(
        config | {"rms_norm_eps": config["rms_norm_eps"] * 10}, weights)
    yield "rope_theta of another default", PlainLlama(
        config | {"rope_parameters": rope | {"rope_theta": 20000.0}}, weights)
    yield "interleaved RoPE pairs", Interleaved(config, weights)
    if rope["rope_type"] != "default":
        yield "rope type ignored", PlainLlama(
            config | {"rope_parameters": rope | {"rope_type": "default"}}, weights)
    if config["num_attention_heads"] > config["num_key_value_heads"] > 1:
        yield "query heads dealt round robin", Ungrouped(config, weights)
    for part in ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"):
        bare = {k: v for k, v in weights.items() if not k.endswith(f"{part}.bias")}
        if len(bare) < len(weights):
            yield f"{part}.bias ignored", PlainLlama(config, bare)
    if not config["tie_word_embeddings"]:
        yield "head tied", PlainLlama(config | {"tie_word_embeddings": True}, weights)
    for part in ("input_layernorm", "post_attention_layernorm", "model.norm"):
        yield f"{part} weight ignored", PlainLlama(config, {
            k: torch.ones_like(v) if part in k else v for k, v in weights.items()})


def check_llama(name: str) -> None:
    folder = FIXTURES / "llama" / name
    config, weights = read(folder / "model/config.json"), doubles(folder / "model/model.safetensors")
    expected, logits = read(folder / "expected.json"), doubles(folder / "logits.safetensors")
    plain, worst = PlainLlama(config, weights), 0.0
    for i, sequence in enumerate(expected["sequences"]):
        tokens, table = sequence["tokens"], plain(sequence["tokens"])
        worst = max(worst, require_close(name, logits[f"logits.{i}"], table, 3e-6))
        found = table.log_softmax(-1)[range(len(tokens) - 1), tokens[1:]]
        if len(tokens) > 1:
            require_close(name, found, torch.tensor(sequence["log_probs"]), 3e-6)
    for greedy in expected["greedy"]:
        tokens = list(greedy["prompt"])
        for wanted in greedy["continuation"]:
            assert plain(tokens)[-1].argmax().item() == wanted, name
            tokens.append(wanted)
    print(f"llama/{name}: agrees, {worst:.2g}")
    last = len(expected["sequences"]) - 1
    tokens, right = expected["sequences"][last]["tokens"], logits[f"logits.{last}"]
    for what, model in broken_models(config, weights):
        error = ((model(tokens) - right).abs().max() / right.abs().max()).item()
        verdict(what, {"logits": (error, LOGITS)})


def run_training(folder, settings: dict, batches, scale_factor: float = 1.0):
    """(losses, trained parameters) in float64 from the committed start."""
    base = settings["base"]
    source = STORIES if base == "stories260K" else FIXTURES / f"llama/{base}/model"
    config, weights = read(source / "config.json"), doubles(source / "model.safetensors")
    if settings["technique"] == "full":
        parameters = {k: v.requires_grad_() for k, v in weights.items()}
        model = PlainLlama(config, parameters)
    else:
        begin = doubles(folder.parent / settings["start"] / "adapter_model.safetensors")
        parameters = {k: v.requires_grad_() for k, v in begin.items()}
        model = PlainLlama(config, weights, parameters,
                           settings["lora_alpha"] / settings["r"] * scale_factor)
    begin = {k: v.detach().clone() for k, v in parameters.items()}
    records, _ = train(model, parameters, batches, settings)
    return [r["loss"] for r in records], begin, parameters


def distance(expected, final: dict, losses, begin, parameters) -> dict:
    def norm(values):
        return sum(v.pow(2).sum().item() for v in values) ** 0.5

    loss = max(abs(a - s["loss"]) / s["loss"] for a, s in zip(losses, expected["steps"]))
    error = norm(parameters[k].detach() - final[k] for k in final)
    return {"losses": (loss, LOSSES),
            "update": (error / norm(final[k] - begin[k] for k in final), UPDATE)}


def check_training(folder, mistakes: dict) -> None:
    expected = read(folder / "expected.json")
    adapter = folder / "final/adapter_model.safetensors"
    final = doubles(adapter if adapter.exists() else folder / "final.safetensors")
    batches = read(folder.parent / "batches.json")[:len(expected["steps"])]
    settings = expected["settings"]
    right = distance(expected, final, *run_training(folder, settings, batches))
    assert all(d <= t / 10 for d, t in right.values()), right
    print(f"training/{folder.parent.name}/{folder.name}: agrees, "
          + ", ".join(f"{k} {d:.2g}" for k, (d, _) in right.items()))
    for what, change in mistakes.items():
        verdict(what, distance(expected, final,
                               *run_training(folder, settings | change, batches)))
    later = [[e | {"first_label": e["first_label"] + 1}
              if max(1, e["first_label"]) + 1 < len(e["tokens"]) else e for e in b] for b in batches]
    verdict("first label one token late",
            distance(expected, final, *run_training(folder, settings, later)))
    if settings["technique"] == "lora":
        verdict("alpha/r half as large",
                distance(expected, final, *run_training(folder, settings, batches, 0.5)))


MISTAKES = {
    "no weight decay": {"weight_decay": 0.0},
    "beta2 0.99": {"adam_beta2": 0.99},
    "beta1 0.85": {"adam_beta1": 0.85},
    "eps 1e-6": {"adam_epsilon": 1e-6},
    "no clipping": {"max_grad_norm": 1e9},
    "one warm-up step fewer": {"warmup_steps": 4},
    "schedule one step longer": {"schedule_steps": 31},
    "linear schedule": {"schedule": "linear"},
    "other loss weighting": {"loss_weighting": "micro_batch", "micro_batch": 2},
}
OTHER = {k: v for k, v in MISTAKES.items() if "warm-up" not in k and "linear" not in k} | {
    "cosine schedule": {"schedule": "cosine"}}


def main() -> None:
    torch.set_num_threads(1)
    for name in ("tied-gqa", "untied-odd", "mha-bias", "llama3-rope", "linear-rope",
                 "tied-gqa-bfloat16", "tied-gqa-float16"):
        check_llama(name)
    training = FIXTURES / "training"
    check_training(training / "tied-gqa/lora", MISTAKES)
    check_training(training / "tied-gqa/full", MISTAKES)
    check_training(training / "untied-odd/lora-other-optimizer", OTHER)
    check_training(training / "tied-gqa/lora-micro-batch",
                   {"token weighting": {"loss_weighting": "token"}})
    for name in ("untied-odd/lora", "untied-odd/full", "tied-gqa/lora-qv", "tied-gqa/lora-zero-b"):
        check_training(training / name, {})
    if STORIES.exists():
        check_training(training / "stories260K/lora", MISTAKES)
    print(f"{len(unnoticed)} unnoticed: {unnoticed}")
    raise SystemExit(1 if unnoticed else 0)


if __name__ == "__main__":
    main()
