package dev.lorikeet.torch;

import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import java.util.Arrays;
import java.util.OptionalInt;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * libtorch's flash attention: causal, over packed sequences, with operands of two bytes and sums in
 * float32. Scores exist a tile at a time only, so memory is linear in the length. Probabilities and
 * their gradients are rounded to two bytes before they are multiplied.
 *
 * @see <a href="https://arxiv.org/abs/2307.08691">Dao 2023, FlashAttention-2, section 3.1</a>
 */
public final class FlashAttention {
  private final TorchDevice device;
  private final Operators operators;

  FlashAttention(TorchDevice device, Operators operators) {
    this.device = device;
    this.operators = operators;
  }

  /** That of a GPU of compute capability 8.0 or newer that computes in two bytes. */
  public static FlashAttention onGpu(TorchDevice device) {
    return new FlashAttention(device, new CudaFlash(device.place()));
  }

  /**
   * Heads and scores.
   *
   * @param queries query heads, a multiple of {@code keys}
   * @param keys key and value heads
   * @param dim columns of one head, a multiple of 8 of at most 256
   * @param scale factor of the scores
   * @param window keys a query sees, itself included; empty: all before it
   */
  public record Heads(int queries, int keys, int dim, double scale, OptionalInt window) {}

  /** What is attended over. */
  public record Ask(Heads heads, FlashPacking packing) {}

  /**
   * What is read and given, float32.
   *
   * @param q [T, heads·D]
   * @param k [rows, kvHeads·D]
   * @param v [rows, kvHeads·D]
   * @param out [T, heads·D]
   * @param lse [T, heads], logarithms of the sums of exponentials
   */
  public record Tensors(Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {}

  /** The operators as libtorch defines them for GPUs; tensors of two bytes are [rows, heads, D]. */
  interface Operators {
    /** out as q, and the logarithms of the sums of exponentials, float32 [heads, rows]. */
    Attended forward(Ask ask, Operands operands);

    /** Gradients of {@link #forward}. */
    Differentials backward(
        Ask ask, Operands operands, Attended forward, org.bytedeco.pytorch.Tensor dOut);
  }

  /** What attention reads. */
  record Operands(
      org.bytedeco.pytorch.Tensor q,
      org.bytedeco.pytorch.Tensor k,
      org.bytedeco.pytorch.Tensor v) {}

  /** What it gives. */
  record Attended(org.bytedeco.pytorch.Tensor out, org.bytedeco.pytorch.Tensor lse) {}

  /** Gradients of what it reads. */
  record Differentials(
      org.bytedeco.pytorch.Tensor dq,
      org.bytedeco.pytorch.Tensor dk,
      org.bytedeco.pytorch.Tensor dv) {}

  /** Attends: writes {@code out} and {@code lse}. */
  public void forward(Ask ask, Tensors tensors) {
    try (LibTorch session = session()) {
      Attended attended = operators.forward(ask, operands(session, ask.heads(), tensors));
      long[] found = attended.lse().sizes().vec().get();
      if (found.length != 2 || found[0] != ask.heads().queries()) {
        throw new IllegalStateException(
            "flash attention gave sums of shape %s instead of [heads, rows]"
                .formatted(Arrays.toString(found)));
      }
      Tensor out = tensors.out();
      session.memory(out).copy_(attended.out().reshape(out.shape()));
      session.memory(tensors.lse()).copy_(attended.lse().t());
    }
  }

  /**
   * Gradients of {@link #forward}.
   *
   * @param tensors what it read and gave
   * @param dOut as out
   * @param dq as q, replaced
   * @param dk as k, replaced
   * @param dv as v, replaced
   */
  public void backward(Ask ask, Tensors tensors, Tensor dOut, Tensor dq, Tensor dk, Tensor dv) {
    Heads heads = ask.heads();
    try (LibTorch session = session()) {
      Attended attended =
          new Attended(
              rounded(session, tensors.out(), heads.queries(), heads.dim()),
              session.memory(tensors.lse()).t().contiguous());
      Differentials found =
          operators.backward(
              ask,
              operands(session, heads, tensors),
              attended,
              rounded(session, dOut, heads.queries(), heads.dim()));
      session.memory(dq).copy_(found.dq().reshape(dq.shape()));
      session.memory(dk).copy_(found.dk().reshape(dk.shape()));
      session.memory(dv).copy_(found.dv().reshape(dv.shape()));
    }
  }

  private LibTorch session() {
    return LibTorch.open(Precision.FLOAT32, Gradients.OFF, device);
  }

  private Operands operands(LibTorch session, Heads heads, Tensors tensors) {
    return new Operands(
        rounded(session, tensors.q(), heads.queries(), heads.dim()),
        rounded(session, tensors.k(), heads.keys(), heads.dim()),
        rounded(session, tensors.v(), heads.keys(), heads.dim()));
  }

  private org.bytedeco.pytorch.Tensor rounded(LibTorch session, Tensor rows, int heads, int dim) {
    ScalarType type = LibTorch.type(device.computeFormat());
    return session.memory(rows).to(type).reshape(rows.size(0), heads, dim);
  }
}
