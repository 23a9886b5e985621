"""A second opinion on the golden cases of make_kernels.py and make_optim.py.

The attention cases are compared with torch's scaled_dot_product_attention and, with a soft-cap,
with transformers' Gemma 2; norms, SwiGLU and losses with torch's own functions; AdamW with its
formula written out; gradients with central differences in float64.

Run: python reference/check_operations.py
"""

import json
import math
import random
from types import SimpleNamespace

import safetensors.torch
import torch
import torch.nn.functional as F
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward

from common import FIXTURES, require_close
from make_kernels import attend, attention_mask

TOLERANCE = 3e-7  # Expected values are float32 roundings of exact ones.


def cases(operation: str):
    folder = FIXTURES / "kernels"
    tensors = safetensors.torch.load_file(folder / f"{operation}.safetensors")
    for case in json.loads((folder / f"{operation}.json").read_text()):
        prefix = case["name"] + "."
        yield case, {k.removeprefix(prefix): v.double() if v.is_floating_point() else v
                     for k, v in tensors.items() if k.startswith(prefix)}


def check_attention() -> None:
    for case, t in cases("attention"):
        visible = attention_mask(case["segments"], case["window"], t["k"].shape[0])
        q, k, v = (t[n].transpose(0, 1)[None] for n in "qkv")
        if case["softcap"]:
            module = SimpleNamespace(
                num_key_value_groups=case["heads"] // case["kv_heads"], training=False,
                head_dim=case["head_dim"])
            mask = torch.zeros(visible.shape, dtype=torch.float64).masked_fill(~visible, -math.inf)
            out, _ = eager_attention_forward(module, q, k, v, mask, scaling=case["scale"],
                                             softcap=case["softcap"])
            out, tolerance = out[0], 2e-6  # Gemma 2 takes the softmax in float32.
        else:
            out = F.scaled_dot_product_attention(
                q, k, v, attn_mask=visible, scale=case["scale"], enable_gqa=True)[0].transpose(0, 1)
            tolerance = TOLERANCE
        require_close(case["name"], t["out"], out, tolerance)
        check_packed(case, t)
        check_differences(case, t)


def check_packed(case: dict, t: dict) -> None:
    """Each segment alone gives its rows of the packed result."""
    if len(case["segments"]) == 1:
        return
    begin = 0
    for length in case["segments"]:
        rows = slice(begin, begin + length)
        alone = attend(t["q"][rows], t["k"][rows], t["v"][rows],
                       attention_mask([length], case["window"], length), case["scale"], case["softcap"])
        require_close(f"{case['name']} alone", t["out"][rows], alone["out"], TOLERANCE)
        begin += length


def check_differences(case: dict, t: dict) -> None:
    """Some entries of dq, dk, dv against (f(x + h) - f(x - h)) / 2h."""
    visible = attention_mask(case["segments"], case["window"], t["k"].shape[0])
    chooser, step = random.Random(1), 1e-5

    def loss(changed: dict) -> float:
        given = {n: changed.get(n, t[n]) for n in "qkv"}
        return (attend(**given, visible=visible, scale=case["scale"],
                       softcap=case["softcap"])["out"] * t["dout"]).sum().item()

    for name in "qkv":
        for _ in range(5):
            i = chooser.randrange(t[name].numel())
            values = []
            for sign in (1, -1):
                moved = t[name].clone()
                moved.view(-1)[i] += sign * step
                values.append(loss({name: moved}))
            found, wanted = (values[0] - values[1]) / (2 * step), t[f"d{name}"].view(-1)[i].item()
            assert abs(found - wanted) < 1e-6 * max(1.0, abs(wanted)), (case["name"], name, i)


def check_rows() -> None:
    for case, t in cases("rms_norm"):
        y = F.rms_norm(t["x"], (case["width"],), t["weight"], case["eps"])
        require_close("rms_norm", t["y"], y, TOLERANCE)
    for _, t in cases("swiglu"):
        require_close("swiglu", t["y"], F.silu(t["gate"]) * t["up"], TOLERANCE)
    for _, t in cases("cross_entropy"):
        losses = F.cross_entropy(t["logits"], t["targets"].long(), reduction="none")
        require_close("cross_entropy", t["losses"], losses, TOLERANCE)
        # d(loss_t)/d(logits) = softmax - one-hot
        expected = t["logits"].softmax(-1) - F.one_hot(t["targets"].long(), t["logits"].shape[1])
        require_close("dlogits", t["dlogits"], expected * t["dlosses"][:, None], TOLERANCE)
    for _, t in cases("head_loss"):
        losses = F.cross_entropy(F.linear(t["hidden"], t["weight"]), t["targets"].long(), reduction="none")
        require_close("head_loss", t["losses"], losses, TOLERANCE)
    for case, t in cases("lora_linear"):
        merged = t["weight"] + case["scale"] * t["lora_b"] @ t["lora_a"]
        require_close("lora_linear", t["y"], F.linear(t["x"], merged, t.get("bias")), TOLERANCE)
        require_close("lora dx", t["dx"], t["dy"] @ merged, TOLERANCE)


def check_adamw() -> None:
    """theta -= lr * (decay * theta + m_hat / (sqrt(v_hat) + eps)), decay first, as Loshchilov and
    Hutter 2019 (arXiv 1711.05101), algorithm 2, with the decay scaled by the learning rate."""
    for case in json.loads((FIXTURES / "optim/adamw.json").read_text()):
        b1, b2 = case["adam_beta1"], case["adam_beta2"]
        worst = 0.0
        for i, value in enumerate(case["start"]):
            m = v = 0.0
            for step, row in enumerate(case["gradients"], 1):
                m, v = b1 * m + (1 - b1) * row[i], b2 * v + (1 - b2) * row[i] ** 2
                value *= 1 - case["learning_rate"] * case["weight_decay"]
                value -= case["learning_rate"] * (m / (1 - b1 ** step)) / (
                    math.sqrt(v / (1 - b2 ** step)) + case["adam_epsilon"])
                wanted = case["float64"]["parameters"][step - 1][i]
                assert abs(value - wanted) <= 1e-12 * max(1.0, abs(wanted)), (case["name"], step, i)
                worst = max(worst, abs(case["float32"]["parameters"][step - 1][i] - wanted))
        print(f"adamw {case['name']}: float32 is at most {worst:.2g} off")


def main() -> None:
    check_attention()
    check_rows()
    check_adamw()
    print("agree")


if __name__ == "__main__":
    main()
