"""A second, independent forward pass of every family in plain torch, in the dtype of its weights.

It shares no code with transformers: one block with its choices (norm, layout of the projections,
residuals, activation) named by a `Plan` that `plan_of` reads from config.json. Run in float64 it
shows how far float32 drifts, and with one thing broken (`mistake`, or other values of the plan)
whether a fixture would notice.
"""

import math
from dataclasses import dataclass, field, replace

import torch

from plain_rope import rope_frequencies


@dataclass
class Plan:
    """How a family is built; module names are relative to the layer."""
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    eps: float
    embedding: str
    layer: str
    final_norm: str
    activation: str
    norm: str = "layer"  # layer, rms, or gemma: rms with weight 1 + w
    layout: str = "split"  # split, or how the fused query_key_value is laid out
    attention: str = "self_attn"
    output: str = "o_proj"
    mlp: tuple = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    residual: str = "sequential"  # sequential, parallel (norms of its own or shared), sandwich
    norms: tuple = ("input_layernorm", "post_attention_layernorm")
    qk_norm: tuple = ()
    qk_kind: str = "rms"
    head: str = "lm_head"
    positions: str = ""
    conv1d: bool = False
    softcap: float | None = None
    final_softcap: float | None = None
    embedding_scale: float = 1.0
    scales: list = field(default_factory=list)  # of the scores, per layer
    windows: list = field(default_factory=list)  # None or the number of visible keys, per layer
    ropes: list = field(default_factory=list)  # rope_parameters or None, per layer


def plan_of(c: dict) -> Plan:
    family = c["model_type"]
    if family == "gpt2":
        return _gpt2(c)
    n, heads = c["num_hidden_layers"], c["num_attention_heads"]
    head_dim = c.get("head_dim") or c["hidden_size"] // heads
    rope = c["rope_parameters"]
    p = Plan(n, heads, c.get("num_key_value_heads") or heads, head_dim,
             c.get("rms_norm_eps") or c.get("layer_norm_eps") or c.get("layer_norm_epsilon"),
             "model.embed_tokens", "model.layers", "model.norm",
             c.get("hidden_activation") or c.get("hidden_act") or c.get("activation"),
             scales=[head_dim ** -0.5] * n, windows=[None] * n, ropes=[rope] * n)
    if "rms_norm_eps" in c:
        p.norm = "rms"
    {"phi": _phi, "phi3": _phi3, "gemma2": _gemma, "gemma3_text": _gemma, "falcon": _falcon,
     "gpt_neox": _neox, "stablelm": _stablelm}.get(family, _llama)(p, c)
    return p


def _llama(p: Plan, c: dict) -> None:
    family = c["model_type"]
    if family == "mistral":
        p.windows = [c["sliding_window"]] * p.layers
    if family in ("qwen2", "qwen3"):
        p.windows = [c["sliding_window"] if t == "sliding_attention" else None
                     for t in c["layer_types"]]
    if family == "qwen3":
        p.qk_norm = ("q_norm", "k_norm")


def _phi(p: Plan, c: dict) -> None:
    p.residual, p.norms, p.output = "parallel", ("input_layernorm",), "dense"
    p.mlp, p.final_norm = ("mlp.fc1", "mlp.fc2"), "model.final_layernorm"
    if c["qk_layernorm"]:
        p.qk_norm, p.qk_kind = ("q_layernorm", "k_layernorm"), "layer"


def _phi3(p: Plan, c: dict) -> None:
    p.layout, p.mlp = "phi3", ("mlp.gate_up_proj", "mlp.down_proj")
    p.windows = [c["sliding_window"]] * p.layers


def _gemma(p: Plan, c: dict) -> None:
    p.norm, p.residual = "gemma", "sandwich"
    p.norms = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
               "post_feedforward_layernorm")
    p.scales = [c["query_pre_attn_scalar"] ** -0.5] * p.layers
    p.windows = [c["sliding_window"] if t == "sliding_attention" else None
                 for t in c["layer_types"]]
    p.final_softcap, p.embedding_scale = c["final_logit_softcapping"], c["hidden_size"] ** 0.5
    if c["model_type"] == "gemma2":
        p.softcap = c["attn_logit_softcapping"]
    else:  # Gemma 3 has the key but does not use it.
        p.qk_norm, p.qk_kind = ("q_norm", "k_norm"), "gemma"
        p.ropes = [c["rope_parameters"][t] for t in c["layer_types"]]


def _falcon(p: Plan, c: dict) -> None:
    p.embedding, p.layer, p.final_norm = "transformer.word_embeddings", "transformer.h", "transformer.ln_f"
    p.attention, p.output = "self_attention", "dense"
    p.mlp = ("mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
    new, parallel = c["new_decoder_architecture"], c["parallel_attn"]
    p.layout = "falcon" if new or c["multi_query"] else "neox"
    p.kv_heads = c["num_kv_heads"] if new else 1 if c["multi_query"] else p.heads
    p.residual = "parallel" if new or parallel else "sequential"
    if new and c["num_ln_in_parallel_attn"] == 2:
        p.norms = ("ln_attn", "ln_mlp")
    elif p.residual == "parallel":
        p.norms = ("input_layernorm",)


def _neox(p: Plan, c: dict) -> None:
    p.embedding, p.layer, p.head = "gpt_neox.embed_in", "gpt_neox.layers", "embed_out"
    p.final_norm, p.attention, p.output = "gpt_neox.final_layer_norm", "attention", "dense"
    p.mlp, p.layout = ("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"), "neox"
    p.residual = "parallel" if c["use_parallel_residual"] else "sequential"


def _stablelm(p: Plan, c: dict) -> None:
    if c["use_parallel_residual"]:
        p.residual, p.norms = "parallel", ("input_layernorm",)
    if c["qk_layernorm"]:
        p.qk_norm, p.qk_kind = ("q_layernorm", "k_layernorm"), "per head"


def _gpt2(c: dict) -> Plan:
    n, heads = c["n_layer"], c["n_head"]
    head_dim = c["n_embd"] // heads
    scale = head_dim ** -0.5 if c["scale_attn_weights"] else 1.0
    inverse = c["scale_attn_by_inverse_layer_idx"]
    return Plan(n, heads, heads, head_dim, c["layer_norm_epsilon"], "transformer.wte",
                "transformer.h", "transformer.ln_f", c["activation_function"], layout="gpt2",
                attention="attn", output="c_proj", mlp=("mlp.c_fc", "mlp.c_proj"),
                norms=("ln_1", "ln_2"), positions="transformer.wpe", conv1d=True,
                scales=[scale / (i + 1) if inverse else scale for i in range(n)],
                windows=[None] * n, ropes=[None] * n)


def activation(name: str, x: torch.Tensor) -> torch.Tensor:
    if name == "silu":
        return x * torch.sigmoid(x)
    if name == "gelu":
        return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
    if name in ("gelu_new", "gelu_pytorch_tanh"):
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    raise ValueError(f"activation {name}")


class PlainFamily:
    """Logits [T, V] of one unpadded token list; adapters under PEFT's keys, scaled by alpha/r."""

    def __init__(self, config: dict, weights: dict, adapter: dict | None = None, lora_scale=0.0,
                 mistake: str = "", **changes):
        self.config, self.weights, self.plan = config, weights, replace(plan_of(config), **changes)
        self.adapter, self.lora_scale, self.mistake = adapter or {}, lora_scale, mistake

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        w = self.weights[f"{name}.weight"]
        y = x @ (w if self.plan.conv1d and name != self.plan.head else w.T)
        if f"{name}.bias" in self.weights:
            y = y + self.weights[f"{name}.bias"]
        a = self.adapter.get(f"base_model.model.{name}.lora_A.weight")
        if a is not None:
            y = y + self.lora_scale * (x @ a.T) @ self.adapter[
                f"base_model.model.{name}.lora_B.weight"].T
        return y

    def norm(self, name: str, x: torch.Tensor, kind: str = "") -> torch.Tensor:
        kind = kind or self.plan.norm
        if kind == "per head":
            return torch.stack([self.norm(f"{name}.norms.{h}", x[:, h], "layer")
                                for h in range(x.shape[1])], 1)
        weight = self.weights[f"{name}.weight"]
        if kind == "layer":
            x = x - x.mean(-1, keepdim=True)
        x = x / torch.sqrt((x * x).mean(-1, keepdim=True) + self.plan.eps)
        x = x * (1 + weight if kind == "gemma" else weight)
        return x + self.weights.get(f"{name}.bias", 0.0)

    def rotate(self, x: torch.Tensor, rope: dict | None, length: int) -> torch.Tensor:
        """x [T, H, D]: of the first 2n values pair (i, i + n) turns, the others stay."""
        if rope is None:
            return x
        frequencies, scale = rope_frequencies(rope, self.plan.head_dim, self.config, length)
        n = len(frequencies)
        angle = torch.arange(x.shape[0], dtype=torch.float64)[:, None] * frequencies
        cos, sin = (scale * f(angle).to(x.dtype)[:, None] for f in (torch.cos, torch.sin))
        if self.mistake == "neighbouring rope pairs":
            first, second = x[..., 0:2 * n:2], x[..., 1:2 * n:2]
            turned = torch.stack((first * cos - second * sin, second * cos + first * sin), -1)
            return torch.cat((turned.flatten(-2), x[..., 2 * n:]), -1)
        first, second, rest = x[..., :n], x[..., n:2 * n], x[..., 2 * n:]
        return torch.cat((first * cos - second * sin, second * cos + first * sin, rest), -1)

    def project(self, name: str, x: torch.Tensor) -> tuple:
        """q [T, H, D], k and v [T, KV, D]."""
        p, t = self.plan, x.shape[0]
        sizes = [p.heads * p.head_dim, p.kv_heads * p.head_dim, p.kv_heads * p.head_dim]
        layout = "blocks" if self.mistake == "fused rows in blocks" else p.layout
        if layout == "split":
            q, k, v = (self.linear(f"{name}.{m}_proj", x) for m in "qkv")
        elif layout == "falcon":  # per KV head: its query heads, then its key, then its value
            fused = self.linear(f"{name}.query_key_value", x).view(t, p.kv_heads, -1, p.head_dim)
            q, k, v = fused[:, :, :-2], fused[:, :, -2], fused[:, :, -1]
        elif layout == "neox":  # per head: query, key, value
            fused = self.linear(f"{name}.query_key_value", x).view(t, p.heads, 3, p.head_dim)
            q, k, v = fused.unbind(2)
        else:  # all queries, all keys, all values
            module = {"phi3": "qkv_proj", "gpt2": "c_attn"}.get(p.layout, "query_key_value")
            q, k, v = self.linear(f"{name}.{module}", x).split(sizes, -1)
        return (q.reshape(t, p.heads, p.head_dim), k.reshape(t, p.kv_heads, p.head_dim),
                v.reshape(t, p.kv_heads, p.head_dim))

    def attention(self, name: str, x: torch.Tensor, layer: int) -> torch.Tensor:
        p, t = self.plan, x.shape[0]
        q, k, v = self.project(name, x)
        if self.mistake == "norm after rope":
            q, k = self.rotate(q, p.ropes[layer], t), self.rotate(k, p.ropes[layer], t)
        if p.qk_norm:
            q = self.norm(f"{name}.{p.qk_norm[0]}", q, p.qk_kind)
            k = self.norm(f"{name}.{p.qk_norm[1]}", k, p.qk_kind)
        if self.mistake != "norm after rope":
            q, k = self.rotate(q, p.ropes[layer], t), self.rotate(k, p.ropes[layer], t)
        ahead = torch.arange(t)[:, None] - torch.arange(t)
        hidden, window = ahead < 0, p.windows[layer]
        if window is not None:
            hidden = hidden | (ahead >= window)
        group, heads = p.heads // p.kv_heads, []
        for h in range(p.heads):
            kv = h % p.kv_heads if self.mistake == "KV heads in turn" else h // group
            scores = q[:, h] @ k[:, kv].T * p.scales[layer]
            if p.softcap is not None:
                scores = p.softcap * torch.tanh(scores / p.softcap)
            heads.append(scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v[:, kv])
        return self.linear(f"{name}.{p.output}", torch.cat(heads, -1))

    def feed_forward(self, layer: str, x: torch.Tensor) -> torch.Tensor:
        p = self.plan
        names = [f"{layer}.{m}" for m in p.mlp]
        if p.layout == "phi3":
            gate, up = self.linear(names[0], x).chunk(2, -1)
            if self.mistake == "up before gate":
                gate, up = up, gate
            return self.linear(names[1], activation(p.activation, gate) * up)
        if len(names) == 3:
            gate = activation(p.activation, self.linear(names[0], x))
            return self.linear(names[2], gate * self.linear(names[1], x))
        return self.linear(names[1], activation(p.activation, self.linear(names[0], x)))

    def block(self, layer: int, x: torch.Tensor) -> torch.Tensor:
        p, name = self.plan, f"{self.plan.layer}.{layer}"
        norms = [f"{name}.{n}" for n in p.norms]
        attended = self.attention(f"{name}.{p.attention}", self.norm(norms[0], x), layer)
        if p.residual == "parallel":
            return x + attended + self.feed_forward(name, self.norm(norms[-1], x))
        if p.residual == "sandwich":
            x = x + self.norm(norms[1], attended)
            return x + self.norm(norms[3], self.feed_forward(name, self.norm(norms[2], x)))
        x = x + attended
        return x + self.feed_forward(name, self.norm(norms[-1], x))

    def __call__(self, tokens: list[int]) -> torch.Tensor:
        p, w = self.plan, self.weights
        x = w[f"{p.embedding}.weight"][torch.tensor(tokens)] * p.embedding_scale
        if p.positions:
            x = x + w[f"{p.positions}.weight"][:len(tokens)]
        for layer in range(p.layers):
            x = self.block(layer, x)
        x = self.norm(p.final_norm, x)
        if self.config["tie_word_embeddings"]:
            x = x @ w[f"{p.embedding}.weight"].T + w.get(f"{p.head}.bias", 0.0)
        else:
            x = self.linear(p.head, x)
        return x if p.final_softcap is None else p.final_softcap * torch.tanh(x / p.final_softcap)
