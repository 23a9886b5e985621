"""Golden cases of the single operations: forward values and gradients at awkward sizes.

Proves: RMSNorm, RoPE, SwiGLU, linear with LoRA, cross-entropy, the output head and attention
(causal, grouped heads, window, soft-cap, scale, packed segments, KV cache) compute these formulas
and their derivatives. Inputs are float32; everything expected is computed from them in float64 by
plain formulas and torch's autograd, then rounded to float32 once, so it is exact to 6e-8 relative.
RoPE is also compared with transformers. Layout, keys and formulas: reference/README.md.

Run: python reference/make_kernels.py
"""

import math

import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from common import finish, generator, normal, require_close, start, write_json, write_tensors
from plain_llama import inverse_frequencies


class Cases:
    """Collects the cases of one operation: tensors under `case.name`, settings as JSON."""

    def __init__(self, operation: str):
        self.operation, self.settings, self.tensors = operation, [], {}

    def add(self, name: str, settings: dict, inputs: dict, function, upstream: dict) -> None:
        """Runs `function` in float64; `upstream` holds d(loss)/d(output) per differentiable output.

        Saves inputs, outputs, upstream as d<output> and the gradients as d<input>; whole-number
        inputs also among the settings.
        """
        exact = {k: v.double().requires_grad_() if v.is_floating_point() else v
                 for k, v in inputs.items()}
        outputs = function(**exact)
        loss = sum((outputs[k] * d.double()).sum() for k, d in upstream.items())
        loss.backward()
        saved = dict(inputs) | outputs | {f"d{k}": d for k, d in upstream.items()}
        saved |= {f"d{k}": v.grad for k, v in exact.items() if v.is_floating_point()}
        for key, tensor in saved.items():
            self.tensors[f"{name}.{key}"] = tensor.float() if tensor.is_floating_point() else tensor
        whole = {k: v.tolist() for k, v in inputs.items() if not v.is_floating_point()}
        self.settings.append({"name": name} | settings | whole)

    def write(self, folder) -> None:
        write_tensors(folder / f"{self.operation}.safetensors", self.tensors)
        write_json(folder / f"{self.operation}.json", self.settings)


def rms_norm(folder) -> None:
    cases = Cases("rms_norm")
    for i, (t, h, eps, size) in enumerate(
            ((1, 1, 1e-5, 1.0), (13, 13, 1e-6, 1.0), (3, 207, 1e-5, 1.0), (13, 207, 1e-6, 30.0),
             (5, 64, 1e-5, 1e-4), (2, 13, 1e-5, 0.0))):
        g = generator(1000 + i)

        def run(x, weight, eps=eps):
            return {"y": x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight}

        cases.add(f"case{i}", {"rows": t, "width": h, "eps": eps},
                  {"x": normal((t, h), g, size), "weight": 1 + normal((h,), g, 0.2)}, run,
                  {"y": normal((t, h), g)})
    cases.write(folder)


def rope(folder) -> None:
    cases = Cases("rope")
    default = {"rope_type": "default", "rope_theta": 10000.0}
    llama3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    linear = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
    for i, (positions, heads, dim, parameters) in enumerate((
            ([0], 1, 2, default), (list(range(13)), 3, 10, default),
            (list(range(5)) + list(range(8)), 2, 8, default | {"rope_theta": 50000.0}),
            ([0, 1, 63, 64, 65, 206, 207], 2, 32, llama3), ([0, 3, 100, 207], 1, 16, linear))):
        g, t = generator(1100 + i), len(positions)
        frequencies = inverse_frequencies({"rope_parameters": parameters, "head_dim": dim})
        where = torch.tensor(positions, dtype=torch.int32)

        def run(x, positions, frequencies=frequencies):
            angle = positions.double()[:, None] * frequencies
            cos, sin = angle.cos()[:, None], angle.sin()[:, None]
            a, b = x.chunk(2, -1)
            return {"y": torch.cat((a * cos - b * sin, b * cos + a * sin), -1)}

        x = normal((t, heads, dim), g)
        config = LlamaConfig(hidden_size=dim * heads, num_attention_heads=heads, head_dim=dim,
                             max_position_embeddings=256, rope_parameters=parameters)
        cos, sin = LlamaRotaryEmbedding(config)(x, where[None])
        theirs = apply_rotary_pos_emb(x.transpose(0, 1)[None], x.transpose(0, 1)[None], cos, sin)[0]
        exact = run(x.double(), where)["y"]
        error = require_close(f"rope {i}", theirs[0].transpose(0, 1), exact, 2e-5)
        cases.add(f"case{i}", {"rows": t, "heads": heads, "head_dim": dim,
                               "rope_parameters": parameters,
                               "inverse_frequencies": frequencies.tolist(),
                               "transformers_relative_error": error},
                  {"x": x, "positions": where}, run, {"y": normal((t, heads, dim), g)})
    cases.write(folder)


def swiglu(folder) -> None:
    cases = Cases("swiglu")
    for i, (t, width, size) in enumerate(
            ((1, 1, 1.0), (13, 13, 1.0), (3, 207, 3.0), (2, 13, 60.0))):
        g = generator(1200 + i)
        cases.add(f"case{i}", {"rows": t, "width": width},
                  {"gate": normal((t, width), g, size), "up": normal((t, width), g, size)},
                  lambda gate, up: {"y": gate * torch.sigmoid(gate) * up},
                  {"y": normal((t, width), g)})
    cases.write(folder)


def lora_linear(folder) -> None:
    cases = Cases("lora_linear")
    for i, (t, inner, outer, rank, alpha, bias) in enumerate(
            ((1, 1, 1, 1, 1, False), (13, 13, 7, 3, 12, True), (47, 33, 65, 8, 16, False))):
        g, scale = generator(1300 + i), alpha / rank

        def run(x, weight, lora_a, lora_b, bias=None, scale=scale):
            y = x @ weight.T + scale * (x @ lora_a.T) @ lora_b.T
            return {"y": y if bias is None else y + bias}

        inputs = {"x": normal((t, inner), g), "weight": normal((outer, inner), g, 0.2),
                  "lora_a": normal((rank, inner), g, 0.2), "lora_b": normal((outer, rank), g, 0.2)}
        if bias:
            inputs["bias"] = normal((outer,), g)
        cases.add(f"case{i}", {"rows": t, "in": inner, "out": outer, "r": rank, "lora_alpha": alpha,
                               "scale": scale, "bias": bias},
                  inputs, run, {"y": normal((t, outer), g)})
    cases.write(folder)


def token_losses(logits, targets):
    return {"losses": logits.logsumexp(-1) - logits.gather(-1, targets.long()[:, None])[:, 0]}


def cross_entropy(folder) -> None:
    cases = Cases("cross_entropy")
    for i, (t, vocab, size) in enumerate(((1, 1, 1.0), (1, 2, 1.0), (13, 13, 3.0), (13, 207, 1.0),
                                          (3, 331, 60.0), (207, 13, 1.0))):
        g = generator(1400 + i)
        cases.add(f"case{i}", {"rows": t, "vocab": vocab},
                  {"logits": normal((t, vocab), g, size),
                   "targets": torch.randint(0, vocab, (t,), generator=g, dtype=torch.int32)},
                  token_losses, {"losses": normal((t,), g).abs() / t})
    cases.write(folder)


def head(folder) -> None:
    """Output head and cross-entropy together, as a chunked loss computes them."""
    cases = Cases("head_loss")
    for i, (t, width, vocab) in enumerate(((1, 5, 13), (13, 16, 207), (47, 13, 97))):
        g = generator(1500 + i)
        cases.add(f"case{i}", {"rows": t, "width": width, "vocab": vocab},
                  {"hidden": normal((t, width), g), "weight": normal((vocab, width), g, 0.3),
                   "targets": torch.randint(0, vocab, (t,), generator=g, dtype=torch.int32)},
                  lambda hidden, weight, targets: token_losses(hidden @ weight.T, targets),
                  {"losses": torch.full((t,), 1 / t)})
    cases.write(folder)


def attention_mask(segments, window: int, kv_length: int) -> torch.Tensor:
    """[T, S], true where the key may be seen: same segment, not later, fewer than `window` back."""
    t = sum(segments)
    query = torch.arange(kv_length - t, kv_length)[:, None]
    key = torch.arange(kv_length)[None]
    visible = key <= query
    if window:
        visible &= query - key < window
    if len(segments) > 1:
        owner = torch.repeat_interleave(torch.arange(len(segments)), torch.tensor(segments))
        visible &= owner[:, None] == owner[None]
    return visible


def attend(q, k, v, visible, scale: float, softcap: float):
    """q [T, Hq, D], k and v [S, Hkv, D] -> out [T, Hq, D]."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores = torch.einsum("thd,shd->hts", q, k) * scale
    if softcap:
        scores = softcap * torch.tanh(scores / softcap)
    weights = scores.masked_fill(~visible, -math.inf).softmax(-1)
    return {"out": torch.einsum("hts,shd->thd", weights, v)}


def attention(folder) -> None:
    cases = Cases("attention")
    for i, (segments, past, heads, groups, dim, window, softcap, scale) in enumerate((
            ([1], 0, 2, 1, 13, 0, 0.0, None),
            ([13], 0, 4, 4, 8, 0, 0.0, None),
            ([47], 0, 6, 2, 10, 0, 0.0, None),
            ([207], 0, 2, 1, 4, 13, 0.0, None),
            ([13], 0, 4, 2, 8, 1, 0.0, None),
            ([29], 0, 3, 1, 8, 0, 2.0, 0.5),
            ([13], 0, 2, 2, 7, 0, 0.0, 1.7),
            ([5, 8], 0, 4, 2, 8, 0, 0.0, None),
            ([1, 13, 33], 0, 4, 2, 6, 0, 0.0, None),
            ([31, 16], 0, 6, 3, 6, 7, 1.5, 0.4),
            ([1], 46, 4, 2, 8, 0, 0.0, None),
            ([5], 8, 4, 2, 8, 0, 0.0, None),
            ([4], 20, 4, 2, 8, 6, 2.0, 0.3))):
        g, t = generator(1600 + i), sum(segments)
        s, scale = t + past, dim ** -0.5 if scale is None else scale
        visible = attention_mask(segments, window, s)
        cases.add(f"case{i}",
                  {"segments": segments, "past": past, "heads": heads, "kv_heads": groups,
                   "head_dim": dim, "window": window, "softcap": softcap, "scale": scale},
                  {"q": normal((t, heads, dim), g, 1.5), "k": normal((s, groups, dim), g, 1.5),
                   "v": normal((s, groups, dim), g)},
                  lambda q, k, v, m=visible, a=scale, c=softcap: attend(q, k, v, m, a, c),
                  {"out": normal((t, heads, dim), g)})
    cases.write(folder)


def main() -> None:
    out = start("kernels")
    for make in (rms_norm, rope, swiglu, lora_linear, cross_entropy, head, attention):
        make(out)
    finish(out)


if __name__ == "__main__":
    main()
