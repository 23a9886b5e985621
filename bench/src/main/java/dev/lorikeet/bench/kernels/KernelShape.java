package dev.lorikeet.bench.kernels;

/** Sizes of one layer of a model and of the tokens that go through it. */
public enum KernelShape {
  /** HuggingFaceTB/SmolLM2-135M, four examples of 512 tokens. */
  SMOLLM2(576, 1536, 9, 3, 4, 512, 49_152),
  /** A layer as in models of 1 B parameters (TinyLlama-1.1B), one example of 512 tokens. */
  ONE_B(2048, 5632, 32, 4, 1, 512, 32_000);

  /** Columns of a head. */
  static final int HEAD_DIM = 64;

  /** Positions of a chunk of the output head. */
  static final int LOGIT_ROWS = 64;

  final int hidden;
  final int inner;
  final int heads;
  final int kvHeads;
  final int examples;
  final int length;
  final int vocabulary;

  KernelShape(
      int hidden, int inner, int heads, int kvHeads, int examples, int length, int vocabulary) {
    this.hidden = hidden;
    this.inner = inner;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.examples = examples;
    this.length = length;
    this.vocabulary = vocabulary;
  }

  int tokens() {
    return examples * length;
  }
}
