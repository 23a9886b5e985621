"""A complete tiny checkpoint, tokenizer included, for the tests of the command line.

Proves nothing by itself: it is a random Llama that loads in a moment, whose byte-level tokenizer
knows every text and fits the embedding exactly.

Run: python reference/make_tiny.py
"""

import json

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from common import APP_FIXTURES, finish, generator, normal, start

VOCABULARY = 288
CONTEXT = 256
CORPUS = [
    "Below is an instruction that describes a task. Write a response that appropriately completes"
    " the request.",
    "The lorikeet sat in the tree and sang to the children of the village.",
] * 4


def tokenizer() -> Tokenizer:
    """Byte-level BPE; `<s>` is put in front of every sequence, `</s>` ends it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    ))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))])
    assert made.get_vocab_size() == VOCABULARY
    return made


def model() -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=CONTEXT,
        tie_word_embeddings=True, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=1,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    made = LlamaForCausalLM(config).float().eval()
    g = generator(7)
    with torch.no_grad():
        for key, parameter in made.named_parameters():
            spread = 0.1 * normal(parameter.shape, g)
            parameter.copy_(1 + spread if "norm" in key else spread)
    return made


def main() -> None:
    out = start("tiny", APP_FIXTURES)
    model().save_pretrained(out / "model")
    tokenizer().save(str(out / "model/tokenizer.json"))
    (out / "model/tokenizer_config.json").write_text(json.dumps(
        {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast"},
        indent=2) + "\n")
    finish(out)


if __name__ == "__main__":
    main()
