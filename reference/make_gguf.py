"""GGUF files of tiny checkpoints, blocks with what they stand for, and a SentencePiece tokenizer.

Proves: names, order of rows, norms and settings of llama.cpp's files lead back to the checkpoint;
blocks become the numbers that the Python package gguf makes of them, bit for bit.

The tiny models are those of families/ (weights are a function of their name, see
hashed_weights.py); what convert_hf_to_gguf.py of llama.cpp does to each family is repeated here.
Layout and keys: reference/README.md.

Run: python reference/make_gguf.py
"""

import hashlib
import importlib.metadata
import json
from pathlib import Path

import gguf
import numpy
import tokenizers
from gguf import GGMLQuantizationType as Type
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken
from transformers import AutoTokenizer

from common import FIXTURES, REPOSITORY, finish, start, write_json
from hashed_weights import hashed

TOKENIZERS = REPOSITORY / "core/src/test/resources/dev/lorikeet/tokenizer"
FAMILIES = FIXTURES / "families"
SEED = 11
# rope_freqs.weight tells of Llama 3's published scaling only.
OVERRIDES = {"llama-llama3": {"rope_parameters": {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}}

NAMES = {
    "token_embd": ("model.embed_tokens", "transformer.word_embeddings", "gpt_neox.embed_in",
                   "transformer.wte"),
    "position_embd": ("transformer.wpe",),
    "output_norm": ("model.norm", "model.final_layernorm", "transformer.ln_f",
                    "gpt_neox.final_layer_norm"),
    "output": ("lm_head", "embed_out"),
}
BLOCK = {
    "attn_norm": ("input_layernorm", "ln_1", "ln_mlp"),
    "attn_norm_2": ("ln_attn",),
    "attn_q": ("self_attn.q_proj",), "attn_k": ("self_attn.k_proj",),
    "attn_v": ("self_attn.v_proj",),
    "attn_qkv": ("self_attn.qkv_proj", "self_attention.query_key_value",
                 "attention.query_key_value", "attn.c_attn"),
    "attn_output": ("self_attn.o_proj", "self_attn.dense", "self_attention.dense",
                    "attention.dense", "attn.c_proj"),
    "attn_q_norm": ("self_attn.q_norm",), "attn_k_norm": ("self_attn.k_norm",),
    "ffn_norm": ("post_attention_layernorm", "pre_feedforward_layernorm", "ln_2"),
    "ffn_gate": ("mlp.gate_proj",),
    "ffn_up": ("mlp.up_proj", "mlp.fc1", "mlp.gate_up_proj", "mlp.dense_h_to_4h", "mlp.c_fc"),
    "ffn_down": ("mlp.down_proj", "mlp.fc2", "mlp.dense_4h_to_h", "mlp.c_proj"),
    "post_ffw_norm": ("post_feedforward_layernorm",),
}
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3",
                 "gemma2": "gemma2", "gemma3_text": "gemma3", "phi": "phi2", "phi3": "phi3",
                 "falcon": "falcon", "gpt_neox": "gptneox", "gpt2": "gpt2", "stablelm": "stablelm"}
MODELS = ("llama", "llama-mqa-tied", "llama-attention-bias", "llama-mlp-bias", "llama-linear",
          "llama-llama3", "llama-yarn", "llama-yarn-attention-factor", "mistral", "qwen2",
          "qwen2-mqa-tied", "qwen3", "gemma2", "gemma3_text", "phi", "phi3", "phi3-window-tied", "phi3-longrope", "falcon",
          "falcon-heads", "falcon-new", "gpt_neox", "gpt_neox-sequential-tied", "gpt2", "stablelm",
          "stablelm-qkv-bias-tied", "stablelm-parallel")


def stem_of(name: str, arch: str) -> str:
    """llama.cpp's name without the ending of the tensor called `name` without its ending."""
    parts = name.split(".")
    layer = next((i for i, p in enumerate(parts) if p.isdigit()), None)
    if layer is None:
        return next(k for k, v in NAMES.items() if name in v)
    inner = ".".join(parts[layer + 1:])
    if arch.startswith("gemma") and inner == "post_attention_layernorm":
        return f"blk.{parts[layer]}.post_attention_norm"
    return f"blk.{parts[layer]}." + next(k for k, v in BLOCK.items() if inner in v)


def permute(rows: numpy.ndarray, heads: int) -> numpy.ndarray:
    return (rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
            .swapaxes(1, 2).reshape(rows.shape))


def regroup(rows: numpy.ndarray, heads: int, key_heads: int) -> numpy.ndarray:
    """Groups of queries, key and value become all queries, all keys, all values."""
    size = rows.shape[0] // (heads + 2 * key_heads)
    grouped = rows.reshape(key_heads, heads // key_heads + 2, size, *rows.shape[1:])
    parts = (grouped[:, :-2], grouped[:, -2:-1], grouped[:, -1:])
    return numpy.concatenate([p.reshape(-1, *rows.shape[1:]) for p in parts])


def heads_of(config: dict) -> tuple[int, int]:
    heads = config.get("num_attention_heads", config.get("n_head"))
    if config["model_type"] == "falcon":
        grouped = config["new_decoder_architecture"] or not config["multi_query"]
        return heads, (config.get("num_kv_heads") or heads) if grouped else 1
    return heads, config.get("num_key_value_heads") or heads


def changed(stem: str, kind: str, value: numpy.ndarray, arch: str, config: dict) -> numpy.ndarray:
    heads, key_heads = heads_of(config)
    part = stem.split(".")[-1]
    if arch == "llama" and part in ("attn_q", "attn_k"):
        return permute(value, heads if part == "attn_q" else key_heads)
    if arch in ("falcon", "gptneox") and part == "attn_qkv":
        return regroup(value, heads, key_heads)
    if arch.startswith("gemma") and part.endswith("norm"):
        return value + 1
    if arch == "gpt2" and value.ndim == 2 and part.startswith(("attn_", "ffn_")):
        return value.T.copy()
    return value


def llama3_factors(config: dict) -> numpy.ndarray:
    rope, size = config["rope_parameters"], config["head_dim"]
    old = rope["original_max_position_embeddings"]
    frequencies = 1.0 / rope["rope_theta"] ** (numpy.arange(0, size, 2, dtype=numpy.float32) / size)
    factors = []
    for frequency in frequencies:
        wave = 2 * numpy.pi / frequency
        if wave < old / rope["high_freq_factor"]:
            factors.append(1.0)
        elif wave > old / rope["low_freq_factor"]:
            factors.append(rope["factor"])
        else:
            smooth = ((old / wave - rope["low_freq_factor"])
                      / (rope["high_freq_factor"] - rope["low_freq_factor"]))
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return numpy.array(factors, dtype=numpy.float32)


def settings(writer: gguf.GGUFWriter, arch: str, config: dict) -> None:
    heads, key_heads = heads_of(config)
    hidden = config.get("hidden_size", config.get("n_embd"))
    head = config.get("head_dim") or hidden // heads
    rope = config.get("rope_parameters") or {}
    writer.add_context_length(config.get("max_position_embeddings", config.get("n_positions")))
    writer.add_embedding_length(hidden)
    writer.add_block_count(config.get("num_hidden_layers", config.get("n_layer")))
    inner = (config.get("intermediate_size") or config.get("ffn_hidden_size")
             or config.get("n_inner") or 4 * hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    if arch != "gpt2":
        writer.add_head_count_kv(key_heads)
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(config.get("layer_norm_eps", config.get("layer_norm_epsilon")))
    if arch in ("llama", "qwen3", "gemma2", "gemma3"):
        writer.add_key_length(head)
        writer.add_value_length(head)
    if arch == "gptneox":
        writer.add_parallel_residual(config["use_parallel_residual"])
    if arch.startswith("gemma"):
        writer.add_sliding_window(config["sliding_window"])
        if config.get("attn_logit_softcapping") and arch == "gemma2":
            writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        if config.get("final_logit_softcapping"):
            writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    if arch == "phi3" and config.get("sliding_window"):
        writer.add_sliding_window(config["sliding_window"])
    if arch == "gemma3":
        rope = rope["full_attention"]
    if "rope_theta" in rope:
        writer.add_rope_freq_base(rope["rope_theta"])
    if arch in ("llama", "phi2", "phi3", "gptneox", "stablelm"):
        writer.add_rope_dimension_count(int(head * rope.get("partial_rotary_factor", 1.0)))
    kind = rope.get("rope_type")
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn" or arch == "phi3":
        writer.add_rope_scaling_orig_ctx_len(
            rope.get("original_max_position_embeddings")
            or config["original_max_position_embeddings"])
    if kind == "yarn" and "attention_factor" in rope:
        writer.add_rope_scaling_yarn_attn_factor(rope["attention_factor"])
    if kind == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(config))
    if kind == "longrope":
        for length in ("long", "short"):
            writer.add_tensor(f"rope_factors_{length}.weight",
                              numpy.array(rope[f"{length}_factor"], dtype=numpy.float32))


def finish_file(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def norms_of(tensors: dict) -> dict[str, numpy.ndarray]:
    """StableLM's norms, one for every head, become one tensor for all."""
    stacked, rest = {}, {}
    for name, value in tensors.items():
        if ".norms." in name:
            stem, head = name.removesuffix(".weight").split(".norms.")
            stacked.setdefault(stem, {})[int(head)] = value
        else:
            rest[name] = value
    for stem, heads in stacked.items():
        rest[stem.replace("_layernorm", "_norm") + ".weight"] = numpy.stack(
            [heads[i] for i in sorted(heads)])
    return rest


def write_model(name: str, target: Path, kind_of_blocks: Type | None = None) -> None:
    folder = FAMILIES / name
    config = json.loads((folder / "config.json").read_text()) | OVERRIDES.get(name, {})
    expected = json.loads((folder / "expected.json").read_text())
    arch = ARCHITECTURES[config["model_type"]]
    writer = gguf.GGUFWriter(target, arch)
    settings(writer, arch, config)
    tensors = norms_of({
        t["name"]: hashed(t["name"], SEED, t["shape"], t["scale"], t["offset"]).numpy()
        for t in expected["tensors"]})
    for tensor, value in tensors.items():
        stem, kind = tensor.rsplit(".", 1)
        if kind in ("weight", "bias"):
            found = stem_of(stem, arch)
            value = changed(found, kind, value, arch, config)
            if kind_of_blocks and value.ndim == 2 and value.shape[1] % 32 == 0:
                writer.add_tensor(f"{found}.{kind}", gguf.quants.quantize(value, kind_of_blocks),
                                  raw_dtype=kind_of_blocks)
            else:
                writer.add_tensor(f"{found}.{kind}", value)
    finish_file(writer)


QUANTISED = {
    "model_type": "llama", "hidden_size": 256, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "vocab_size": 322,
    "max_position_embeddings": 96, "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}
LAYER = "model.layers.0."
QUANTISED_SHAPES = {
    "model.embed_tokens.weight": (322, 256), "model.norm.weight": (256,),
    LAYER + "input_layernorm.weight": (256,), LAYER + "post_attention_layernorm.weight": (256,),
    LAYER + "self_attn.q_proj.weight": (16, 256), LAYER + "self_attn.k_proj.weight": (8, 256),
    LAYER + "self_attn.v_proj.weight": (8, 256), LAYER + "self_attn.o_proj.weight": (256, 16),
    LAYER + "mlp.gate_proj.weight": (32, 256), LAYER + "mlp.up_proj.weight": (32, 256),
    LAYER + "mlp.down_proj.weight": (256, 32)}
# Scales with which random blocks stand for weights of a few hundredths.
SPREAD = {Type.Q4_0: 5e-3, Type.Q8_0: 3e-4, Type.Q4_K: 4e-5, Type.Q6_K: 1e-5}


def unpermute(rows: numpy.ndarray, heads: int) -> numpy.ndarray:
    return (rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
            .swapaxes(1, 2).reshape(rows.shape))


def write_quantised(out: Path, kind: Type) -> None:
    """A Llama whose rows of 256 are random blocks, with the tokenizer of vocab_merges/qwen2, and
    the hash of the float32 that each of its tensors stands for in Hugging Face's order."""
    writer = gguf.GGUFWriter(out / f"llama-{kind.name.lower()}.gguf", "llama")
    settings(writer, "llama", QUANTISED)
    add_tokenizer(writer, TOKENIZERS / "vocab_merges/qwen2", "qwen2")
    hashes = {}
    for i, (name, shape) in enumerate(QUANTISED_SHAPES.items()):
        stem = stem_of(name.removesuffix(".weight"), "llama")
        if len(shape) == 2 and shape[1] % gguf.GGML_QUANT_SIZES[kind][0] == 0:
            blocks = random_blocks(kind, *shape, i, SPREAD[kind])
            writer.add_tensor(stem + ".weight", blocks, raw_dtype=kind)
            value = gguf.quants.dequantize(blocks, kind)
            if stem.endswith(("attn_q", "attn_k")):
                value = unpermute(value, 2 if stem.endswith("attn_q") else 1)
        else:
            value = hashed(name, SEED, shape, 0.1, float(len(shape) == 1)).numpy()
            stored = value.astype(numpy.float16) if len(shape) == 2 else value
            writer.add_tensor(stem + ".weight", stored)
            value = stored.astype(numpy.float32)
        hashes[name] = hashlib.sha256(
            numpy.ascontiguousarray(value, dtype="<f4").tobytes()).hexdigest()
    finish_file(writer)
    write_json(out / f"llama-{kind.name.lower()}.json", hashes)


def write_tokenizer(folder: Path, target: Path, pre: str | None) -> None:
    writer = gguf.GGUFWriter(target, "llama")
    add_tokenizer(writer, folder, pre)
    finish_file(writer)


def add_tokenizer(writer: gguf.GGUFWriter, folder: Path, pre: str | None) -> None:
    """A tokenizer of core's fixtures; what it adds to the vocabulary keeps its id and kind."""
    config = json.loads((folder / "tokenizer_config.json").read_text())
    written = config.get("added_tokens_decoder")
    added = ({int(i): AddedToken(**token) for i, token in written.items()} if written
             else AutoTokenizer.from_pretrained(folder).added_tokens_decoder)
    if pre is None:
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString((folder / "tokenizer.model").read_bytes())
        tokens = {i: (p.piece, p.score, p.type) for i, p in enumerate(model.pieces)}
    else:
        vocabulary = json.loads((folder / "vocab.json").read_text())
        tokens = {i: (text, 0.0, 1) for text, i in vocabulary.items()}
    for i, token in added.items():
        kind = gguf.TokenType.CONTROL if token.special else gguf.TokenType.USER_DEFINED
        tokens[i] = (token.content, -1000.0, tokens[i][2] if i in tokens and pre is None else kind)
    rows = [tokens[i] for i in range(len(tokens))]
    writer.add_tokenizer_model("llama" if pre is None else "gpt2")
    writer.add_token_list([r[0] for r in rows])
    writer.add_token_types([int(r[2]) for r in rows])
    if pre is None:
        writer.add_token_scores([r[1] for r in rows])
    else:
        writer.add_tokenizer_pre(pre)
        lines = (folder / "merges.txt").read_text().splitlines()
        writer.add_token_merges([line for line in lines if not line.startswith("#version")])
    ids = {r[0]: i for i, r in enumerate(rows)}
    for key, add in (("bos_token", writer.add_bos_token_id), ("eos_token", writer.add_eos_token_id),
                     ("unk_token", writer.add_unk_token_id)):
        text = config.get(key)
        text = text["content"] if isinstance(text, dict) else text
        if text in ids:
            add(ids[text])
    writer.add_add_bos_token(bool(config.get("add_bos_token")))
    writer.add_add_eos_token(bool(config.get("add_eos_token")))
    writer.add_chat_template("{{ messages[0].content }}")


# llama-vocab.cpp: what the words of tokenizer.ggml.pre = default are cut by, one after the other.
DEFAULT_WORDS = (r"[\p{P}\$\+<=>\^~\|]+",
                 r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
                 r"\p{N}+", r"[0-9][0-9][0-9]")
DEFAULT_TEXTS = ("the cat sat", "a`b$$c 1234567 (x+y)=3.14|~", "it's  two\n\n lines ", "x\u00b2 1,000.50",
                 "`the` ``the``", "\u00e9t\u00e9 == ete!", "  the 12 34567the")


def write_default_words(folder: Path, target: Path) -> None:
    write_tokenizer(folder, target, "default")
    lines = (folder / "merges.txt").read_text().splitlines()
    merges = [tuple(line.split(" ")) for line in lines if not line.startswith("#version")]
    vocabulary = json.loads((folder / "vocab.json").read_text())
    reference = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    cuts = [tokenizers.pre_tokenizers.Split(tokenizers.Regex(e), "isolated") for e in DEFAULT_WORDS]
    reference.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [*cuts, tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    write_json(target.with_suffix(".json"), {"cases": [
        {"text": t, "ids": reference.encode(t).ids} for t in DEFAULT_TEXTS]})


def random_blocks(kind: Type, rows: int, columns: int, seed: int,
                  spread: float = 1.0) -> numpy.ndarray:
    """Blocks of random bytes, with scales that are ordinary numbers; the first row has negative
    and subnormal ones."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    random = numpy.random.default_rng(seed)
    blocks = random.integers(0, 256, (rows * columns // elements, size), dtype=numpy.uint8)
    places = {Type.Q4_0: (0,), Type.Q8_0: (0,), Type.Q4_K: (0, 2), Type.Q6_K: (208,)}[kind]
    for place in places:
        scales = (spread * random.standard_normal(len(blocks))).astype(numpy.float16)
        scales[0] = numpy.float16(-6e-8)
        blocks[:, place:place + 2] = scales.reshape(-1, 1).view(numpy.uint8)
    return blocks.reshape(rows, -1)


def write_blocks(out: Path) -> None:
    writer = gguf.GGUFWriter(out / "blocks.gguf", "llama")
    kinds = (Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_K, Type.Q6_K)
    values = {}
    for i, kind in enumerate(kinds):
        if kind in (Type.F32, Type.F16, Type.BF16):
            plain = numpy.random.default_rng(i).standard_normal((3, 5)).astype(numpy.float32)
            stored = gguf.quants.quantize(plain, kind)
        else:
            stored = random_blocks(kind, 3, 512, i)
        values[kind.name] = gguf.quants.dequantize(stored, kind).astype(numpy.float32)
        writer.add_tensor(kind.name, stored, raw_dtype=kind)
    # Every type of value that a key may have.
    writer.add_uint8("t.uint8", 200)
    writer.add_int8("t.int8", -100)
    writer.add_uint16("t.uint16", 60000)
    writer.add_int16("t.int16", -30000)
    writer.add_uint32("t.uint32", 4_000_000_000)
    writer.add_int32("t.int32", -2_000_000_000)
    writer.add_float32("t.float32", 0.1)
    writer.add_bool("t.bool", True)
    writer.add_string("t.string", "käse 🧀")
    writer.add_array("t.array", ["a", "", "b"])
    writer.add_uint64("t.uint64", 2**62)
    writer.add_int64("t.int64", -(2**62))
    writer.add_float64("t.float64", 0.1)
    finish_file(writer)
    (out / "blocks.f32").write_bytes(b"".join(
        values[k.name].astype("<f4").tobytes() for k in kinds))


def write_aligned(out: Path) -> None:
    """Another alignment of the data."""
    writer = gguf.GGUFWriter(out / "aligned.gguf", "llama")
    writer.add_custom_alignment(256)
    for name in ("first", "second"):
        writer.add_tensor(name, numpy.arange(3, dtype=numpy.float32))
    finish_file(writer)


def main() -> None:
    out = start("gguf")
    versions = json.loads((out / "versions.json").read_text())
    write_json(out / "versions.json", versions | {"gguf": importlib.metadata.version("gguf")})
    for name in MODELS:
        write_model(name, out / f"{name}.gguf")
    write_model("gpt_neox", out / "gpt_neox-q8_0.gguf", Type.Q8_0)
    write_model("phi", out / "phi-q4_0.gguf", Type.Q4_0)
    for case, pre in (("sentencepiece/llama-legacy", None), ("vocab_merges/gpt2", "gpt-2"),
                      ("vocab_merges/qwen2", "qwen2"), ("vocab_merges/llama3", "llama-bpe")):
        target = TOKENIZERS / "gguf" / f"{case.split('/')[1]}.gguf"
        target.parent.mkdir(exist_ok=True)
        write_tokenizer(TOKENIZERS / case, target, pre)
    write_default_words(TOKENIZERS / "vocab_merges/gpt2", TOKENIZERS / "gguf/default.gguf")
    for kind in SPREAD:
        write_quantised(out, kind)
    write_blocks(out)
    write_aligned(out)
    finish(out)


if __name__ == "__main__":
    main()
