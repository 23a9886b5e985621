package dev.lorikeet.train;

import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The states of an optimiser on their way to and from a checkpoint. */
final class OptimizerState {
  private static final String STEP = "step";

  private OptimizerState() {}

  /** The number of updates first, then {@code tensors} under their names. */
  static Map<String, TensorData> of(long step, Map<String, Tensor> tensors) {
    Map<String, TensorData> state = new LinkedHashMap<>();
    state.put(
        STEP,
        new TensorData(StoredType.I64, List.of(1L), MemorySegment.ofArray(new long[] {step})));
    // The garbage collector frees copies: the state outlives this call, and nobody closes it.
    tensors.forEach((name, tensor) ->
        state.put(
            name,
            new TensorData(type(tensor.dtype()), shape(tensor), tensor.onHost(Arena.ofAuto()))));
    return state;
  }

  /** Copies {@code state} into {@code tensors} and returns the number of updates. */
  static long into(Map<String, Tensor> tensors, Map<String, TensorData> state) {
    Map<String, TensorData> own = of(0, tensors);
    if (!own.keySet().equals(state.keySet())) {
      throw new IllegalArgumentException(
          "states " + state.keySet() + ", but this optimiser has " + own.keySet());
    }
    own.forEach((name, expected) -> requireSame(name, expected, data(state, name)));
    tensors.forEach((name, tensor) -> {
      tensor.copyFrom(data(state, name).bytes());
    });
    return data(state, STEP).bytes().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
  }

  private static void requireSame(String name, TensorData expected, TensorData found) {
    if (expected.type() != found.type() || !expected.shape().equals(found.shape())) {
      throw new IllegalArgumentException(
          "state %s is %s %s, expected %s %s"
              .formatted(name, found.type(), found.shape(), expected.type(), expected.shape()));
    }
  }

  private static TensorData data(Map<String, TensorData> state, String name) {
    TensorData data = state.get(name);
    if (data == null) {
      throw new IllegalArgumentException("no state is named " + name);
    }
    return data;
  }

  private static StoredType type(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> StoredType.F32;
      case BFLOAT16 -> StoredType.BF16;
      case FLOAT16 -> StoredType.F16;
      case INT32 -> StoredType.I32;
      case INT8 -> StoredType.I8;
      case UINT8 -> StoredType.U8;
    };
  }

  private static List<Long> shape(Tensor tensor) {
    return Arrays.stream(tensor.shape()).boxed().toList();
  }
}
