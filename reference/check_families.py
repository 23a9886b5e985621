"""Are the fixtures of `families/` right, and would they notice mistakes?

Recomputes the committed logits and LoRA gradients in float64 with `plain_families.py`, then breaks one
thing after the other that the family has (a bias, a norm, the soft cap, the window, the layout of a
fused projection, ...) and demands that the logits notice it.

Run: python reference/check_families.py
"""

import json

import safetensors.torch
import torch

from common import FIXTURES, require_close
from family_lora import cross_entropy
from hashed_weights import hashed
from plain_families import PlainFamily, plan_of

ROOT = FIXTURES / "families"
# Ten times what an implementation is allowed to differ.
NOTICED = 1e-4


class Case:
    """One committed variant with its weights in float64."""

    def __init__(self, name: str):
        folder = ROOT / name
        self.name = name
        self.config = json.loads((folder / "config.json").read_text())
        self.expected = json.loads((folder / "expected.json").read_text())
        self.logits = safetensors.torch.load_file(folder / "logits.safetensors")
        self.gradients = safetensors.torch.load_file(folder / "lora.safetensors")
        self.weights = self.weights_of(self.expected["seed"])
        self.plan = plan_of(self.config)

    def weights_of(self, seed: int) -> dict:
        return {t["name"]: hashed(t["name"], seed, t["shape"], t["scale"], t["offset"]).double()
                for t in self.expected["tensors"]}

    def tokens(self, i: int) -> list[int]:
        return self.expected["sequences"][i]["tokens"]

    def error(self, config=None, weights=None, **changes) -> float:
        model = PlainFamily(self.config | (config or {}), weights or self.weights, **changes)
        right = self.logits["logits.3"].double()
        return ((model(self.tokens(3)) - right).abs().max() / right.abs().max()).item()


def check(case: Case) -> float:
    plain, worst = PlainFamily(case.config, case.weights), 0.0
    for i in range(len(case.expected["sequences"])):
        worst = max(worst, require_close(case.name, case.logits[f"logits.{i}"],
                                         plain(case.tokens(i)), 5e-6))
    second = case.expected["second_seed"]
    other = PlainFamily(case.config, case.weights_of(second["seed"]))
    require_close(f"{case.name} second seed", case.logits["second_seed"],
                  other(second["tokens"]), 5e-6)
    for entry in case.expected["greedy"]:
        tokens = list(entry["prompt"])
        for wanted in entry["continuation"]:
            assert plain(tokens)[-1].argmax().item() == wanted, case.name
            tokens.append(wanted)
    return worst


def gradient_error(case: Case, factor: float = 1.0) -> float:
    """Largest relative distance of a gradient, with alpha/r times `factor`."""
    lora = case.expected["lora"]
    adapter = {t["name"]: hashed(t["name"], lora["seed"], t["shape"], lora["scale"]).double()
               .requires_grad_() for t in lora["tensors"]}
    tokens = case.tokens(lora["sequence"])
    model = PlainFamily(case.config, case.weights, adapter,
                        lora["lora_alpha"] / lora["r"] * factor)
    cross_entropy(model(tokens), tokens).backward()
    return max(((case.gradients[k].double() - a.grad).norm() / a.grad.norm()).item()
               for k, a in adapter.items())


def broken_weights(case: Case):
    """(what, arguments): each kind of bias and norm left out, one over all layers."""
    kinds = {}
    for name, value in case.weights.items():
        if value.ndim == 1:
            kind = ".".join(p for p in name.split(".") if not p.isdigit())
            kinds.setdefault(kind, []).append(name)
    neutral = torch.zeros_like if case.plan.norm == "gemma" else torch.ones_like
    for kind, names in kinds.items():
        empty = torch.zeros_like if kind.endswith("bias") else neutral
        yield f"{kind} ignored", {"weights": case.weights | {
            n: empty(case.weights[n]) for n in names}}
    if case.plan.conv1d:
        yield "square projections transposed", {"weights": {
            n: w.T if n.endswith("attn.c_proj.weight") else w for n, w in case.weights.items()}}


def broken_rope(case: Case):
    config, rope = case.config, case.config.get("rope_parameters")
    if rope is None:
        yield "positions ignored", {"positions": ""}
        return
    yield "neighbouring rope pairs", {"mistake": "neighbouring rope pairs"}
    if "rope_type" not in rope:  # one per type of layer
        full, local = rope["full_attention"], rope["sliding_attention"]
        yield "local rope everywhere", {"ropes": [local] * case.plan.layers}
        yield "global rope everywhere", {"ropes": [full] * case.plan.layers}
        if "factor" in full:
            yield "global rope not slowed", {"config": {"rope_parameters": rope | {
                "full_attention": full | {"factor": 1.0}}}}
        return

    def changed(**keys):
        return {"config": {"rope_parameters": rope | keys}}

    yield "rope_theta doubled", changed(rope_theta=2 * rope["rope_theta"])
    if rope["rope_type"] != "default":
        yield "rope type ignored", changed(rope_type="default")
    for key, other in (("factor", 1.5), ("attention_factor", 1.0), ("truncate", True),
                       ("beta_fast", None), ("beta_slow", None), ("mscale_all_dim", None),
                       ("low_freq_factor", 0.5), ("high_freq_factor", 6.0),
                       ("original_max_position_embeddings", 40)):
        if key in rope and config["model_type"] != "phi3":
            yield f"rope's {key} {other}", changed(**{key: other})
    if rope.get("partial_rotary_factor", 1.0) < 1.0:
        yield "whole head rotated", changed(**{"partial_rotary_factor": 1.0} | {
            k: rope[k] + [1.0] for k in ("short_factor", "long_factor") if k in rope})
    if "long_factor" in rope:
        yield "short factors always", changed(long_factor=rope["short_factor"])
        yield "magnitude of longrope", changed(attention_factor=1.0)


def broken_attention(case: Case):
    p, config = case.plan, case.config
    if 1 < p.kv_heads < p.heads:
        yield "KV heads in turn", {"mistake": "KV heads in turn"}
    if any(p.windows):
        yield "no window", {"windows": [None] * p.layers}
        yield "window one longer", {"windows": [w and w + 1 for w in p.windows]}
        if None in p.windows:
            window = next(filter(None, p.windows))
            yield "window in every layer", {"windows": [window] * p.layers}
    if p.layout != "split" and not (p.layout == "falcon" and p.kv_heads == 1) \
            and p.layout not in ("phi3", "gpt2"):
        yield "fused rows in blocks", {"mistake": "fused rows in blocks"}
    if p.qk_norm:
        yield "no norm of q and k", {"qk_norm": ()}
        if any(p.ropes):
            yield "norm after rope", {"mistake": "norm after rope"}
    if p.scales != [p.head_dim ** -0.5] * p.layers:
        yield "scores by head size", {"scales": [p.head_dim ** -0.5] * p.layers}
    if p.softcap is not None:
        yield "scores not capped", {"softcap": None}
    elif config.get("attn_logit_softcapping"):
        yield "scores capped", {"softcap": config["attn_logit_softcapping"]}


def broken_block(case: Case):
    p, config = case.plan, case.config
    yield "eps 1e-6", {"eps": 1e-6}
    other = {"silu": "gelu", "gelu": "gelu_new", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu"}
    yield f"{other[p.activation]} for {p.activation}", {"activation": other[p.activation]}
    if p.layout == "phi3":
        yield "up before gate", {"mistake": "up before gate"}
    if p.residual in ("parallel", "sequential"):
        flipped = "parallel" if p.residual == "sequential" else "sequential"
        yield f"{flipped} residual", {"residual": flipped}
    if p.residual == "parallel" and len(p.norms) == 2:
        yield "norms of a parallel block swapped", {"norms": p.norms[::-1]}
    if p.norm == "gemma":
        yield "norm weight without 1", {"norm": "rms"}
        yield "embedding not scaled", {"embedding_scale": 1.0}
    if p.final_softcap is not None:
        yield "logits not capped", {"final_softcap": None}
    if not config["tie_word_embeddings"]:
        yield "head tied", {"config": {"tie_word_embeddings": True}}


def main() -> None:
    torch.set_num_threads(1)
    unnoticed, mistakes = [], 0
    for folder in sorted(p for p in ROOT.iterdir() if p.is_dir()):
        case = Case(folder.name)
        worst, gradients = check(case), gradient_error(case)
        assert gradients <= 2e-5, f"{case.name}: gradients differ by {gradients:.3g}"
        smallest = (gradient_error(case, 0.5), "alpha/r half as large, in the gradients")
        for broken in (broken_weights, broken_rope, broken_attention, broken_block):
            for what, arguments in broken(case):
                error = case.error(**arguments)
                smallest, mistakes = min(smallest, (error, what)), mistakes + 1
                if not error > NOTICED:
                    unnoticed.append(f"{case.name}: {what} ({error:.2g})")
        print(f"{case.name}: agrees, {worst:.2g}, gradients {gradients:.2g}; "
              f"least noticed: {smallest[1]} {smallest[0]:.2g}", flush=True)
    print(f"{mistakes} mistakes, {len(unnoticed)} unnoticed: {unnoticed}")
    raise SystemExit(1 if unnoticed else 0)


if __name__ == "__main__":
    main()
