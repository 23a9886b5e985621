"""Steps of PEFT on a GPU on the model that GpuRun wrote; prints one line of JSON.

Arguments: model folder, shape, technique (lora | dora | qlora | qdora | full), device (cuda | cpu), steps.
Compute in bfloat16 on a GPU, float32 elsewhere; scaled-dot-product attention; AdamW. Memory is that of torch's
allocator, so it is told on a GPU only. What is not installed is named in the line as missing.
"""

import json
import sys
import time

folder, shape, technique, device, steps = sys.argv[1:5] + [int(sys.argv[5])]
line = {"who": "peft", "shape": shape, "technique": technique, "device": device}
try:
    import peft
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    quantised = technique in ("qlora", "qdora")
    modules = [torch, peft, transformers]
    if quantised:
        import bitsandbytes

        modules.append(bitsandbytes)
    line["versions"] = ", ".join(f"{module.__name__} {module.__version__}" for module in modules)
    if device == "cuda" and not torch.cuda.is_available():
        raise ImportError("this torch sees no GPU")

    torch.manual_seed(0)
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        device_map={"": device},
        attn_implementation="sdpa",
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
        if quantised
        else None,
    )
    model.config.use_cache = False
    if quantised:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    if technique != "full":
        model = get_peft_model(
            model,
            LoraConfig(
                r=8,
                lora_alpha=16,
                target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                use_dora=technique in ("dora", "qdora"),
                task_type="CAUSAL_LM",
            ),
        )
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.0)
    ids = torch.randint(0, model.config.vocab_size, (4, 512), device=device)
    seconds, losses = [], []
    for step in range(steps + 1):
        start = time.perf_counter()
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
        losses.append(float(loss.detach()))
    line["losses"] = losses
    line["steps"] = seconds
    if device == "cuda":
        line["peak_bytes"] = torch.cuda.max_memory_allocated()
except ImportError as missing:
    line["missing"] = str(missing)
except torch.cuda.OutOfMemoryError as full:
    line["missing"] = "out of memory: " + str(full).split("\n")[0]
print(json.dumps(line))
