"""Steps of PEFT and transformers in the shape that TechniqueBench measures; prints one line of JSON.

Arguments: lora | dora | full, number of steps. Needs torch, transformers and peft.
"""

import json
import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

technique, steps = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
config = LlamaConfig(
    hidden_size=576,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    intermediate_size=1536,
    vocab_size=49152,
    tie_word_embeddings=True,
    max_position_embeddings=8192,
    rope_theta=100000.0,
    rms_norm_eps=1e-5,
    use_cache=False,
)
model = LlamaForCausalLM(config).float()
if technique != "full":
    lora = LoraConfig(
        r=8,
        lora_alpha=16,
        target_modules=LINEAR,
        use_dora=technique == "dora",
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, lora)
model.train()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4)
ids = torch.randint(0, config.vocab_size, (4, 512))
seconds = []
for step in range(steps + 1):
    start = time.perf_counter()
    loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    if step > 0:
        seconds.append(time.perf_counter() - start)
    del loss
print(
    json.dumps(
        {
            "trainable": sum(p.numel() for p in trained),
            "steps": seconds,
            "peak_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
