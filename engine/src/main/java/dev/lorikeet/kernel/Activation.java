package dev.lorikeet.kernel;

/** The curve of a feed-forward layer. */
public enum Activation {
  /** x·σ(x), Hugging Face's {@code silu} and {@code swish}. */
  SILU,

  /** x·Φ(x) with the error function (Hendrycks and Gimpel 2016): {@code gelu}. */
  GELU,

  /**
   * x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the same paper's approximation: {@code gelu_new},
   * {@code gelu_pytorch_tanh}, {@code gelu_fast}.
   */
  GELU_TANH,

  /** max(x, 0): {@code relu}. */
  RELU
}
