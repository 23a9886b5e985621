package dev.lorikeet.adapter;

import dev.lorikeet.nn.Embedding;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.TokenEmbedding;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;

/**
 * Low-rank update of a frozen embedding: y = E[ids] + s·Aᵀ[ids]·Bᵀ, s = alpha / r, as PEFT's
 * lora.Embedding has it.
 *
 * <p>Shapes: E [V,H], A [r,V], B [H,r], y [T,H]. A starts at zero and B standard normal, so
 * attaching changes nothing until the first step. A is held as its transpose [V,r], whose rows are
 * read by token id. Backward, with u = Aᵀ[ids] and du = s·dy·B: dB += s·dyᵀ·u, dAᵀ[ids] += du.
 * There is no dropout: ids have no channels to drop. An output head that is tied to E keeps E.
 */
public final class LoraEmbedding implements Embedding, AutoCloseable {
  private final Embedding base;
  private final Parameter a;
  private final Parameter b;
  private final float scale;

  /** An adapter at its start. */
  static LoraEmbedding start(Embedding base, LoraSettings settings, Device device, Rng rng) {
    Tensor a = device.zeros(base.rows(), settings.r());
    try {
      Tensor b = device.floats(base.columns(), settings.r());
      if (device.holdsValues()) {
        Rng stream = rng.split(base.name()).split("lora_embedding_B");
        b.copyFrom(Lora.normal(stream, Math.toIntExact(b.elements()), 1));
      }
      return new LoraEmbedding(base, settings, a, b);
    } catch (RuntimeException failure) {
      a.close();
      throw failure;
    }
  }

  /** An adapter with given matrices, which it takes over: Aᵀ [V,r], B [H,r]. */
  LoraEmbedding(Embedding base, LoraSettings settings, Tensor transposedA, Tensor b) {
    this.base = base;
    a = new Parameter(base.name() + ".lora_embedding_A", transposedA, Training.TRAINABLE);
    this.b = new Parameter(base.name() + ".lora_embedding_B", b, Training.TRAINABLE);
    scale = (float) settings.scale();
  }

  @Override
  public Var forward(Pass pass) {
    Tape tape = pass.tape();
    Device device = tape.device();
    Var y = base.forward(pass);
    Tensor ids = pass.tokens();
    try (Tensor u = device.floats(ids.elements(), a.value().size(1))) { // [T,r]
      tape.kernels().gatherRows(a.value(), ids, u);
      device.gemm(Transpose.NO, Transpose.YES, scale, u, b.value(), 1f, y.value());
      tape.record(y, () -> backward(tape, ids, u, y.gradient()), ids, u);
    }
    return y;
  }

  private void backward(Tape tape, Tensor ids, Tensor u, Tensor dy) {
    Device device = tape.device();
    device.gemm(Transpose.YES, Transpose.NO, scale, dy, u, 1f, b.gradientToAddTo());
    try (Tensor du = u.emptyLike()) {
      device.gemm(Transpose.NO, Transpose.NO, scale, dy, b.value(), 0f, du);
      tape.kernels().scatterAddRows(du, ids, a.gradientToAddTo());
    }
  }

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public int rows() {
    return base.rows();
  }

  @Override
  public int columns() {
    return base.columns();
  }

  /**
   * Rows of E + s·(BA)ᵀ in float32.
   *
   * @param from first row, from 0
   * @param out float32 [count, H], replaced; may be those very rows of E
   */
  void mergedRows(int from, Tensor out) {
    try (Tensor rows = table().value().rows(from, out.size(0));
        Tensor rowsOfA = a.value().rows(from, out.size(0))) {
      out.copyFrom(rows);
      out.device().gemm(Transpose.NO, Transpose.YES, scale, rowsOfA, b.value(), 1f, out);
    }
  }

  /** E. */
  Parameter table() {
    if (base instanceof TokenEmbedding table) {
      return table.weight();
    }
    throw new IllegalStateException(base.name() + " has no table to merge into");
  }

  /** Aᵀ [V, r]: files have A. */
  public Parameter a() {
    return a;
  }

  /** B [H, r]. */
  public Parameter b() {
    return b;
  }

  /** Frees A and B; the base belongs to its model. */
  @Override
  public void close() {
    a.close();
    b.close();
  }
}
