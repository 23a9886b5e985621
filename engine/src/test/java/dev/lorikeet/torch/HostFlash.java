package dev.lorikeet.torch;

import dev.lorikeet.torch.FlashAttention.Ask;
import dev.lorikeet.torch.FlashAttention.Attended;
import dev.lorikeet.torch.FlashAttention.Differentials;
import dev.lorikeet.torch.FlashAttention.Heads;
import dev.lorikeet.torch.FlashAttention.Operands;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What libtorch's operators for GPUs do, by its flash attention for the host: a sequence at a time,
 * every key head once for each query head, and window and position in a mask.
 */
public final class HostFlash implements FlashAttention.Operators {
  private static final String FORWARD = "aten::_scaled_dot_product_flash_attention_for_cpu";
  private static final String BACKWARD =
      "aten::_scaled_dot_product_flash_attention_for_cpu_backward";

  private int calls;

  /** How often it was asked. */
  public int calls() {
    return calls;
  }

  /** Flash attention in the memory of {@code standIn}. */
  public FlashAttention on(TorchDevice standIn) {
    return new FlashAttention(standIn, this);
  }

  @Override
  public Attended forward(Ask ask, Operands operands) {
    calls++;
    List<Tensor> outs = new ArrayList<>();
    List<Tensor> sums = new ArrayList<>();
    for (int s = 0; s < ask.packing().queryOffsets().length - 1; s++) {
      Sequence sequence = new Sequence(ask, operands, s);
      List<Tensor> found =
          BoxedOperator.call(
              FORWARD,
              new IValue(sequence.q),
              new IValue(sequence.k),
              new IValue(sequence.v),
              new IValue(0.0),
              new IValue(sequence.causal),
              sequence.mask,
              new IValue(ask.heads().scale()));
      outs.add(found.get(0).squeeze(0).transpose(0, 1)); // [T,heads,D]
      sums.add(found.get(1).squeeze(0)); // [heads,T]
    }
    return new Attended(cat(outs, 0).contiguous(), cat(sums, 1).contiguous());
  }

  @Override
  public Differentials backward(Ask ask, Operands operands, Attended forward, Tensor dOut) {
    calls++;
    List<List<Tensor>> parts = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int s = 0; s < ask.packing().queryOffsets().length - 1; s++) {
      Sequence sequence = new Sequence(ask, operands, s);
      List<Tensor> found =
          BoxedOperator.call(
              BACKWARD,
              new IValue(sequence.queries(dOut)),
              new IValue(sequence.q),
              new IValue(sequence.k),
              new IValue(sequence.v),
              new IValue(sequence.queries(forward.out())),
              new IValue(sequence.sums(forward.lse())),
              new IValue(0.0),
              new IValue(sequence.causal),
              sequence.mask,
              new IValue(ask.heads().scale()));
      parts.get(0).add(found.get(0).squeeze(0).transpose(0, 1));
      parts.get(1).add(sequence.grouped(found.get(1)));
      parts.get(2).add(sequence.grouped(found.get(2)));
    }
    return new Differentials(cat(parts.get(0), 0), cat(parts.get(1), 0), cat(parts.get(2), 0));
  }

  private static Tensor cat(List<Tensor> tensors, int dim) {
    return torch.cat(new TensorVector(tensors.toArray(Tensor[]::new)), dim);
  }

  /** One sequence, as [1, heads, T, D]. */
  private static final class Sequence {
    private final Heads heads;
    private final long from;
    private final long to;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final boolean causal;
    private final IValue mask;

    Sequence(Ask ask, Operands operands, int s) {
      heads = ask.heads();
      int[] queryOffsets = ask.packing().queryOffsets();
      int[] keyOffsets = ask.packing().keyOffsets();
      from = queryOffsets[s];
      to = queryOffsets[s + 1];
      q = queries(operands.q());
      k = keys(operands.k(), keyOffsets[s], keyOffsets[s + 1]);
      v = keys(operands.v(), keyOffsets[s], keyOffsets[s + 1]);
      long seen = keyOffsets[s + 1] - (long) keyOffsets[s];
      causal = heads.window().isEmpty() && seen == to - from;
      mask = causal ? new IValue() : new IValue(mask(to - from, seen));
    }

    Tensor queries(Tensor packed) {
      return rows(packed, from, to).transpose(0, 1).unsqueeze(0).contiguous();
    }

    Tensor sums(Tensor lse) {
      return lse.slice(1, new LongOptional(from), new LongOptional(to), 1)
          .unsqueeze(0)
          .contiguous();
    }

    private Tensor keys(Tensor packed, long first, long end) {
      Tensor each = rows(packed, first, end).transpose(0, 1);
      return each.repeat_interleave(group(), new LongOptional(0), new LongOptional())
          .unsqueeze(0)
          .contiguous();
    }

    /** The sum over the query heads of a key head, in float32, [T, kvHeads, D]. */
    Tensor grouped(Tensor gradient) {
      Tensor split =
          gradient
              .squeeze(0)
              .to(ScalarType.Float)
              .reshape(heads.keys(), group(), gradient.size(2), heads.dim());
      return split.sum(1).transpose(0, 1);
    }

    private long group() {
      return heads.queries() / heads.keys();
    }

    private static Tensor rows(Tensor packed, long first, long end) {
      return packed.slice(0, new LongOptional(first), new LongOptional(end), 1);
    }

    /** −∞ where a key is later than the query or before its window. */
    private Tensor mask(long asked, long seen) {
      Tensor queryAt = range(asked).add(new Scalar((double) (seen - asked))).reshape(-1, 1);
      Tensor distance = queryAt.sub(range(seen).reshape(1, -1));
      Tensor hidden = distance.lt(new Scalar(0.0));
      if (heads.window().isPresent()) {
        hidden = hidden.logical_or(distance.ge(new Scalar((double) heads.window().getAsInt())));
      }
      return torch
          .zeros(new long[] {asked, seen}, new TensorOptions(ScalarType.Float))
          .masked_fill(hidden, new Scalar(Double.NEGATIVE_INFINITY));
    }

    private static Tensor range(long count) {
      return torch.arange(new Scalar((double) count), new TensorOptions(ScalarType.Float));
    }
  }
}
