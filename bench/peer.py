"""One process of PEFT and transformers on the CPU; prints one line of JSON.

    peer.py train MODEL ADAPTER|none BATCHES STEPS yes|no   steps of training; the last word: gradient checkpointing
    peer.py decode MODEL TOKENS                             greedy generation, one sequence

BATCHES is a file of JSON lines {"ids": [[…]], "first_label": [...]}, a line a step. Needs torch, transformers, peft.
"""

import json
import os
import resource
import sys
import time

import torch
from transformers import AutoModelForCausalLM

torch.set_num_threads(os.cpu_count())


def padded(line):
    batch = json.loads(line)
    width = max(len(ids) for ids in batch["ids"])
    ids = torch.zeros(len(batch["ids"]), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for row, (tokens, first) in enumerate(zip(batch["ids"], batch["first_label"])):
        tokens = torch.tensor(tokens)
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
        labels[row, first : len(tokens)] = tokens[first:]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def train(model, adapter, batches, steps, checkpointing):
    model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, use_cache=False)
    if checkpointing == "yes":
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    if adapter != "none":
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    with open(batches) as lines:
        batches = [padded(line) for line in lines]
    line = {"trainable": sum(p.numel() for p in trained), "ready": time.time(), "losses": [], "steps": []}
    for step in range(int(steps)):
        start = time.perf_counter()
        loss = model(**batches[step]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        line["steps"].append(time.perf_counter() - start)
        line["losses"].append(float(loss.detach()))
        del loss
    return line


def decode(model, tokens):
    model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    ids = torch.arange(1, 33)[None]
    line = {"tokens_per_second": []}
    for _ in range(3):
        start = time.perf_counter()
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=int(tokens),
            min_new_tokens=int(tokens),
            do_sample=False,
            pad_token_id=0,
        )
        line["tokens_per_second"].append((made.shape[1] - ids.shape[1]) / (time.perf_counter() - start))
    return line


result = {"train": train, "decode": decode}[sys.argv[1]](*sys.argv[2:])
result["peak_resident_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(result))
