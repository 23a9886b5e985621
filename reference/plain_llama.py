"""A second, independent Llama forward pass in plain torch, in the dtype of its weights.

It shares no code with transformers. Used for two things: the fixtures are only written where both
implementations agree, and, run in float64, it shows how far float32 drifts (transformers itself
always computes norms, softmax and RoPE in float32). Weights and adapters are dictionaries under
their Hugging Face and PEFT names.
"""

import math

import torch


def inverse_frequencies(config: dict) -> torch.Tensor:
    """RoPE frequencies [head_dim / 2] in float64 for the rope types default, linear and llama3."""
    rope = config["rope_parameters"]
    dim = config["head_dim"]
    out = []
    for i in range(0, dim, 2):
        f = rope["rope_theta"] ** (-i / dim)
        if rope["rope_type"] == "linear":
            f /= rope["factor"]
        elif rope["rope_type"] == "llama3":
            # Turns that the pair makes over the original context decide how much it is slowed.
            turns = rope["original_max_position_embeddings"] * f / (2 * math.pi)
            low, high = rope["low_freq_factor"], rope["high_freq_factor"]
            keep = min(1.0, max(0.0, (turns - low) / (high - low)))
            f = keep * f + (1 - keep) * f / rope["factor"]
        out.append(f)
    return torch.tensor(out, dtype=torch.float64)


class PlainLlama:
    """Logits [T, V] of one unpadded token list; `lora_scale` is alpha/r (or alpha/sqrt(r))."""

    def __init__(self, config: dict, weights: dict, adapter: dict | None = None, lora_scale=0.0):
        self.config, self.weights = config, weights
        self.adapter, self.lora_scale = adapter or {}, lora_scale
        self.frequencies = inverse_frequencies(config)

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        y = x @ self.weights[f"{name}.weight"].T
        if f"{name}.bias" in self.weights:
            y = y + self.weights[f"{name}.bias"]
        a = self.adapter.get(f"base_model.model.{name}.lora_A.weight")
        if a is not None:
            b = self.adapter[f"base_model.model.{name}.lora_B.weight"]
            y = y + self.lora_scale * (x @ a.T) @ b.T
        return y

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        mean_square = (x * x).mean(-1, keepdim=True)
        x = x / torch.sqrt(mean_square + self.config["rms_norm_eps"])
        return x * self.weights[f"{name}.weight"]

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """x [T, H, D]: pair (i, i + D/2) turns by position times frequency i."""
        angle = torch.arange(x.shape[0], dtype=torch.float64)[:, None] * self.frequencies
        cos, sin = angle.cos().to(x.dtype)[:, None], angle.sin().to(x.dtype)[:, None]
        first, second = x.chunk(2, dim=-1)
        return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)

    def attention(self, name: str, x: torch.Tensor) -> torch.Tensor:
        c, t = self.config, x.shape[0]
        q = self.rotate(self.linear(f"{name}.q_proj", x).view(t, c["num_attention_heads"], -1))
        k = self.rotate(self.linear(f"{name}.k_proj", x).view(t, c["num_key_value_heads"], -1))
        v = self.linear(f"{name}.v_proj", x).view(t, c["num_key_value_heads"], -1)
        group = c["num_attention_heads"] // c["num_key_value_heads"]
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        heads = []
        for h in range(c["num_attention_heads"]):
            scores = q[:, h] @ k[:, h // group].T / math.sqrt(c["head_dim"])
            heads.append(scores.masked_fill(future, -torch.inf).softmax(-1) @ v[:, h // group])
        return self.linear(f"{name}.o_proj", torch.cat(heads, dim=-1))

    def __call__(self, tokens: list[int]) -> torch.Tensor:
        x = self.weights["model.embed_tokens.weight"][torch.tensor(tokens)]
        for layer in range(self.config["num_hidden_layers"]):
            name = f"model.layers.{layer}"
            x = x + self.attention(f"{name}.self_attn", self.norm(f"{name}.input_layernorm", x))
            h = self.norm(f"{name}.post_attention_layernorm", x)
            gate = self.linear(f"{name}.mlp.gate_proj", h)
            h = gate * torch.sigmoid(gate) * self.linear(f"{name}.mlp.up_proj", h)
            x = x + self.linear(f"{name}.mlp.down_proj", h)
        x = self.norm("model.norm", x)
        if self.config["tie_word_embeddings"]:
            return x @ self.weights["model.embed_tokens.weight"].T
        return self.linear("lm_head", x)
