"""Trains a small byte-level BPE and asks transformers what it does with vocab.json and merges.txt.

    python reference/make_vocab_merges.py

Needs `transformers`. Writes core/src/test/resources/dev/lorikeet/tokenizer/vocab_merges/<case>/: a
folder as a model has it, and expected.json as make_sentencepiece.py writes it. Case "llama3" has a
class that says nothing, which transformers reads without cutting the text into words; its reference
is put together as TikTokenConverter of convert_slow_tokenizer.py does it.
"""

import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import tokenizers
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from make_tokenizer_fixture import CORPUS

OUT = Path(__file__).parent.parent / "core/src/test/resources/dev/lorikeet/tokenizer/vocab_merges"
END = "<|endoftext|>"
TEXTS = [
    "",
    " ",
    "Hello world",
    "The lorikeet sang to the children.",
    " leading and trailing ",
    "two  spaces   three\n\n\n four\r\n five\t",
    "1234567 and 89 It's we'LL they'd",
    "na\u00efve caf\u00e9 e\u0301 \u2014 \u65e5\u672c\u8a9e \U0001f99c\U0001f468\u200d\U0001f469\u200d\U0001f467 x",
    "nul \u0000 and \ufffd",
    "a<|endoftext|>b <|im_start|>user\nhi<|im_end|>",
    "    indented        code",
    "The lorikeet sat in the tree " * 20,
]


def token(content: str, special: bool = True) -> dict:
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": special}


CHAT = {"added_tokens_decoder": {"320": token("<|im_start|>"), "321": token("<|im_end|>")}}
NAMED = {"bos_token": END, "eos_token": END, "unk_token": END}
CASES = {
    "gpt2": ({"tokenizer_class": "GPT2Tokenizer", **NAMED}, {"model_type": "gpt2"}, None),
    "gpt2-bos": ({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "add_bos_token": True,
                  **NAMED}, None, None),
    "qwen2": ({"tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>",
               "pad_token": END, "unk_token": None, **CHAT}, {"model_type": "qwen2"}, None),
    "neox": ({"tokenizer_class": "GPTNeoXTokenizerFast", "pad_token": END, **NAMED}, {"model_type": "gpt_neox"}, None),
    "codegen": ({"tokenizer_class": "CodeGenTokenizer", **NAMED}, {"model_type": "phi"},
                {"        ": 320, "    ": 321}),
    "llama3": ({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>",
                "eos_token": "<|im_end|>", "add_bos_token": True, **CHAT}, {"model_type": "llama"}, None),
}


def train(folder: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[END], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.model.save(str(folder))


def llama3(folder: Path, config: dict):
    # Without a special token in the vocabulary no default is added.
    converter = TikTokenConverter(extra_special_tokens=[])
    backend = Tokenizer(models.BPE.from_file(
        str(folder / "vocab.json"), str(folder / "merges.txt"), fuse_unk=False, ignore_merges=True))
    backend.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(converter.pattern), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=config["bos_token"], eos_token=config["eos_token"],
        add_bos_token=True)


def make(case: str, training: Path, config: dict, model: dict | None, added: dict | None) -> None:
    folder = OUT / case
    folder.mkdir()
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(training / name, folder / name)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    if model is not None:
        (folder / "config.json").write_text(json.dumps(model) + "\n")
    if added is not None:
        (folder / "added_tokens.json").write_text(json.dumps(added) + "\n")
    tokenizer = llama3(folder, config) if case == "llama3" else AutoTokenizer.from_pretrained(folder)
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False)
        bare = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        cases.append({
            "text": text, "ids": ids, "ids_with_specials": tokenizer.encode(text),
            "offsets": [list(span) for span in bare["offset_mapping"]],
            "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
    expected = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "cases": cases,
        "tokenizer": json.loads(tokenizer.backend_tokenizer.to_str()),
    }
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=True) + "\n")
    print(case, type(tokenizer).__name__, len(cases), "texts")


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    training = OUT / "training"
    training.mkdir()
    train(training)
    for case, (config, model, added) in CASES.items():
        make(case, training, config, model, added)
    shutil.rmtree(training)


if __name__ == "__main__":
    main()
