"""Trains small SentencePiece models and asks transformers and SentencePiece what they do.

    python reference/make_sentencepiece.py

Needs `transformers`, `sentencepiece` and `protobuf`; versions are kept in every expected.json.
Writes core/src/test/resources/dev/lorikeet/tokenizer/sentencepiece/<case>/: a folder as a model has
it (tokenizer.model, perhaps tokenizer_config.json), and expected.json:

- `tokenizer`: the tokenizer.json that transformers makes of the folder. Cases "llama-legacy*" ask
  LlamaConverter of convert_slow_tokenizer.py, which made the published tokenizer.json of Llama 2 and
  the like; the others AutoTokenizer. Cases "own-*" have no class, and only SentencePiece is asked:
  transformers leaves the space in front out there.
- `cases`: text, ids, ids_with_specials, offsets (code points), decoded; "own-*" only text and ids.
- `sentencepiece`: how many of the texts SentencePiece itself cuts the same, and which differently.
"""

import json
import os
import random
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import sentencepiece
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer, PreTrainedTokenizerFast, convert_slow_tokenizer
from transformers.tokenization_utils_base import generate_merges

from make_tokenizer_fixture import CORPUS

OUT = Path(__file__).parent.parent / "core/src/test/resources/dev/lorikeet/tokenizer/sentencepiece"
SENTENCES = CORPUS + [
    "She sells sea shells by the sea shore; the shells she sells are surely seashells.",
    "How much wood would a woodchuck chuck if a woodchuck could chuck wood?",
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on until noon.",
    "In 1984 there were 365 days, 52 weeks and 12 months; in 2024 there were 366 days.",
    "Please list three ways to learn a language, and say why each of them works well.",
] * 4
TEXTS = [
    "",
    " ",
    "  ",
    "Hello world",
    "The lorikeet sang to the children.",
    " leading and trailing ",
    "two  spaces   three",
    "\u2581lower one eighth",
    "tab\tnew\nline\n\nend\r\n",
    "1234567 and 89",
    "na\u00efve caf\u00e9 \u2014 \u65e5\u672c\u8a9e \U0001f99c\U0001f468\u200d\U0001f469\u200d\U0001f467 x",
    "\ufb01ne \uff21\u3000e\u0301",
    "nul \u0000 and \ufffd",
    "<s>The tree</s> and <unk>",
    "<bos>The tree<eos>",
    "<extra> new<plain>x <extra>",
    "<start_of_turn>user\nhi<end_of_turn>\n",
    "<extra_id_0> sentinel <extra_id_9>",
    "The lorikeet sat in the tree " * 20,
]
LETTERS = list("abcdehilnorstw ABT 12 .,<>") + [
    "  ", "\u2581", "\u2581 ", " \u2581", "\u00e9", "\u65e5", "\U0001f99c", "\t", "\n", "the ", "lorikeet",
    "\ufb01", "\u3000", "e\u0301"]
CHANCE = random.Random(20240229)
TEXTS += ["".join(CHANCE.choices(LETTERS, k=CHANCE.randrange(1, 24))) for _ in range(30)]
BYTES = dict(byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False)
RULES = "FB01\t66 69\nFF21\t41\n3000\t20\nA0\t20\n65 301\tE9\n9\t20\nA\t20\nD\t20\n"


def token(content: str, special: bool = True, **other) -> dict:
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": special, **other}


LLAMA = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
ADDED = {"added_tokens_decoder": {
    "0": token("<unk>"), "1": token("<s>"), "2": token("</s>"),
    "380": token("<extra>", rstrip=True), "381": token("<plain>", special=False, normalized=True)}}
GEMMA = {"tokenizer_class": "GemmaTokenizer", "bos_token": "<bos>", "eos_token": "<eos>",
         "unk_token": "<unk>", "pad_token": "<pad>", "add_bos_token": True}
T5 = {"tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
      "extra_ids": 10}
CASES = {
    "llama": ("bpe", {**LLAMA, **ADDED, "legacy": False, "add_bos_token": True}),
    "llama-plain": ("bpe", LLAMA),
    "llama-no-prefix": ("bpe", {**LLAMA, "add_prefix_space": False, "add_eos_token": True}),
    "llama-legacy": ("bpe", {**LLAMA, "legacy": True, "add_bos_token": True, "add_eos_token": True}),
    "llama-legacy-no-prefix": ("bpe", {**LLAMA, "legacy": True, "add_prefix_space": False}),
    "gemma": ("gemma", GEMMA),
    "t5": ("t5", T5),
    "own-bpe": ("bpe", None),
    "own-bpe-scores": ("scores", None),
    "own-unigram": ("t5", None),
    "own-unigram-bytes": ("unigram", {"tokenizer_class": "PreTrainedTokenizerFast"}),
}


def train(folder: Path) -> dict[str, Path]:
    rules = folder / "rules.tsv"
    rules.write_text(RULES)
    settings = {
        "bpe": dict(model_type="bpe", vocab_size=380, split_digits=True,
                    allow_whitespace_only_pieces=True, **BYTES),
        "gemma": dict(model_type="bpe", vocab_size=380, split_digits=True,
                      allow_whitespace_only_pieces=True, add_dummy_prefix=False, pad_id=0, eos_id=1,
                      bos_id=2, unk_id=3, bos_piece="<bos>", eos_piece="<eos>",
                      user_defined_symbols="<mask>,<start_of_turn>,<end_of_turn>,\n\n", **BYTES),
        "t5": dict(model_type="unigram", vocab_size=150, normalization_rule_tsv=str(rules), pad_id=0,
                   eos_id=1, unk_id=2, bos_id=-1),
        "unigram": dict(model_type="unigram", vocab_size=380, **BYTES),
    }
    models = {}
    for name, values in settings.items():
        prefix = folder / name
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES), model_prefix=str(prefix), minloglevel=2,
            num_threads=1, hard_vocab_limit=False, **values)
        models[name] = prefix.with_suffix(".model")
    models["scores"] = reorder(models["bpe"])
    return models


def reorder(model: Path) -> Path:
    """The model with scores that do not fall with the ids, as in Llama's, and that cut the texts otherwise."""
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.read_bytes())
    merged = [piece for piece in proto.pieces if piece.type == 1 and len(piece.piece) > 1]
    usual = sentencepiece.SentencePieceProcessor(model_file=str(model))
    for seed in range(1000):
        scores = [-float(i) for i in range(len(merged))]
        random.Random(seed).shuffle(scores)
        for piece, score in zip(merged, scores):
            piece.score = score
        other = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
        if sum(usual.encode(text) != other.encode(text) for text in TEXTS) >= 4:
            reordered = model.with_name("scores.model")
            reordered.write_bytes(proto.SerializeToString())
            return reordered
    raise AssertionError("no order of scores changes the ids of the texts")


class BpeExtractor:
    """SentencePieceExtractor as LlamaConverter calls it: vocabulary and merges."""

    def __init__(self, file: str):
        self.processor = sentencepiece.SentencePieceProcessor(model_file=file)

    def extract(self, scores):
        vocabulary = {piece: i for i, (piece, _) in enumerate(scores)}
        return vocabulary, generate_merges(vocabulary)


class Slow:
    """What LlamaConverter asks a slow tokenizer."""

    def __init__(self, file: Path, config: dict):
        self.vocab_file = str(file)
        self.legacy = config["legacy"]
        self.add_prefix_space = config.get("add_prefix_space", True)

    def convert_ids_to_tokens(self, i: int) -> str:
        return ["<unk>", "<s>", "</s>"][i]


def reference(case: str, folder: Path, config: dict):
    if not case.startswith("llama-legacy"):
        return AutoTokenizer.from_pretrained(folder)
    convert_slow_tokenizer.LlamaConverter.SpmExtractor = BpeExtractor
    backend = convert_slow_tokenizer.LlamaConverter(Slow(folder / "tokenizer.model", config)).converted()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        add_bos_token=config.get("add_bos_token", False),
        add_eos_token=config.get("add_eos_token", False))


def make(case: str, model: Path, config: dict | None) -> None:
    folder = OUT / case
    folder.mkdir(parents=True)
    shutil.copyfile(model, folder / "tokenizer.model")
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    own = case.startswith("own-")
    cases, differing = [], []
    tokenizer = None if own else reference(case, folder, config)
    for text in TEXTS:
        pieces = processor.encode(text)
        if own:
            # SentencePiece takes a written special token for text.
            if not any(special in text for special in ("<s>", "</s>", "<unk>", "<bos>")):
                cases.append({"text": text, "ids": pieces})
            continue
        ids = tokenizer.encode(text, add_special_tokens=False)
        whole = tokenizer(text, return_offsets_mapping=True)
        bare = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        cases.append({
            "text": text, "ids": ids, "ids_with_specials": whole["input_ids"],
            "offsets": [list(span) for span in bare["offset_mapping"]],
            "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
        if ids != pieces:
            differing.append(text)
    expected = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
                     "sentencepiece": sentencepiece.__version__},
        "cases": cases,
    }
    if not own:
        expected["sentencepiece"] = {"same": len(TEXTS) - len(differing), "differing": differing}
        expected["tokenizer"] = json.loads(tokenizer.backend_tokenizer.to_str())
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=True) + "\n")
    print(case, len(cases), "texts,", len(differing), "not as SentencePiece",
          (folder / "expected.json").stat().st_size, "bytes")


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    training = OUT / "training"
    training.mkdir()
    models = train(training)
    for case, (model, config) in CASES.items():
        make(case, models[model], config)
    shutil.rmtree(training)


if __name__ == "__main__":
    main()
