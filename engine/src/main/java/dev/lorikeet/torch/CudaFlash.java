package dev.lorikeet.torch;

import dev.lorikeet.torch.FlashAttention.Ask;
import dev.lorikeet.torch.FlashAttention.Attended;
import dev.lorikeet.torch.FlashAttention.Differentials;
import dev.lorikeet.torch.FlashAttention.Operands;
import java.util.List;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** libtorch's flash attention on a GPU. Nothing here waits for the GPU. */
final class CudaFlash implements FlashAttention.Operators {
  static final String FORWARD = "aten::_flash_attention_forward";
  static final String BACKWARD = "aten::_flash_attention_backward";

  private static final double NO_DROPOUT = 0;
  private static final boolean CAUSAL = true;

  private final String place;

  /** On the GPU that libtorch calls {@code place}. */
  CudaFlash(String place) {
    this.place = place;
  }

  @Override
  public Attended forward(Ask ask, Operands operands) {
    FlashPacking packing = ask.packing();
    List<org.bytedeco.pytorch.Tensor> found =
        BoxedOperator.call(
            FORWARD,
            new IValue(operands.q()),
            new IValue(operands.k()),
            new IValue(operands.v()),
            new IValue(offsets(packing.queryOffsets())),
            new IValue(offsets(packing.keyOffsets())),
            new IValue((long) packing.longestQuery()),
            new IValue((long) packing.longestKey()),
            new IValue(NO_DROPOUT),
            new IValue(CAUSAL),
            new IValue(false), // no copy of the probabilities
            new IValue(ask.heads().scale()),
            keysBefore(ask.heads().window()),
            new IValue(0L), // no keys behind the query
            new IValue(), // all keys of a sequence are used
            new IValue()); // no slopes of ALiBi
    return new Attended(found.get(0), found.get(1));
  }

  /**
   * libtorch adds the parts of dq with atomic operations, in whatever order they come, unless it is
   * asked for the same bytes each time.
   */
  @Override
  public Differentials backward(
      Ask ask, Operands operands, Attended forward, org.bytedeco.pytorch.Tensor dOut) {
    FlashPacking packing = ask.packing();
    // Without dropout the states of random numbers are not read.
    org.bytedeco.pytorch.Tensor unread = forward.lse();
    Context context = torch.globalContext();
    boolean same = context.deterministicAlgorithms();
    boolean warns = context.deterministicAlgorithmsWarnOnly();
    boolean fills = context.deterministicFillUninitializedMemory();
    context.setDeterministicFillUninitializedMemory(false);
    context.setDeterministicAlgorithms(true, false);
    try {
      List<org.bytedeco.pytorch.Tensor> found =
          BoxedOperator.call(
              BACKWARD,
              new IValue(dOut),
              new IValue(operands.q()),
              new IValue(operands.k()),
              new IValue(operands.v()),
              new IValue(forward.out()),
              new IValue(forward.lse()),
              new IValue(offsets(packing.queryOffsets())),
              new IValue(offsets(packing.keyOffsets())),
              new IValue((long) packing.longestQuery()),
              new IValue((long) packing.longestKey()),
              new IValue(NO_DROPOUT),
              new IValue(CAUSAL),
              new IValue(unread),
              new IValue(unread),
              new IValue(ask.heads().scale()),
              keysBefore(ask.heads().window()),
              new IValue(0L)); // no keys behind the query
      return new Differentials(found.get(0), found.get(1), found.get(2));
    } finally {
      context.setDeterministicAlgorithms(same, warns);
      context.setDeterministicFillUninitializedMemory(fills);
    }
  }

  private static IValue keysBefore(OptionalInt window) {
    return window.isPresent() ? new IValue(window.getAsInt() - 1L) : new IValue();
  }

  /** On the GPU, by way of pinned memory: libtorch keeps that until the copy is done. */
  private org.bytedeco.pytorch.Tensor offsets(int[] values) {
    org.bytedeco.pytorch.Tensor host = org.bytedeco.pytorch.AbstractTensor.create(values);
    return host.pin_memory()
        .to(
            new org.bytedeco.pytorch.Device(place),
            ScalarType.Int,
            true,
            false,
            new MemoryFormatOptional());
  }
}
