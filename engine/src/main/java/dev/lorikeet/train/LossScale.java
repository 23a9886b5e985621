package dev.lorikeet.train;

import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The present factor of dynamic {@link LossScaling}, and how long nothing has overflowed. */
final class LossScale {
  private static final String FACTOR = "loss_scale";
  private static final String GOOD_STEPS = "loss_scale_good_steps";
  private static final float LARGEST = 0x1p127f;

  private final LossScaling numbers;
  private float factor;
  private long goodSteps;

  LossScale(LossScaling numbers) {
    this.numbers = numbers;
    factor = numbers.start();
  }

  /** What the loss is multiplied by, a power of two of at least 1. */
  float factor() {
    return factor;
  }

  /** Whether a gradient that is no number may be an overflow: a smaller factor might avoid it. */
  boolean canShrink() {
    return factor > 1;
  }

  /** A gradient has overflowed. */
  void overflowed() {
    factor = Math.max(1f, factor / 2);
    goodSteps = 0;
  }

  /** A step was done. */
  void stepped() {
    goodSteps++;
    if (goodSteps == numbers.growthSteps()) {
      factor = Math.min(LARGEST, factor * 2);
      goodSteps = 0;
    }
  }

  /** The state of an optimiser with this one beside it. */
  Map<String, TensorData> beside(Map<String, TensorData> optimizer) {
    Map<String, TensorData> state = new LinkedHashMap<>(optimizer);
    state.put(
        FACTOR,
        new TensorData(StoredType.F32, List.of(1L), MemorySegment.ofArray(new float[] {factor})));
    state.put(
        GOOD_STEPS,
        new TensorData(StoredType.I64, List.of(1L), MemorySegment.ofArray(new long[] {goodSteps})));
    return state;
  }

  /**
   * Goes on from a state made by {@link #beside}.
   *
   * @return the optimiser's share of it
   * @throws IllegalArgumentException if there is no such state
   */
  Map<String, TensorData> restore(Map<String, TensorData> state) {
    Map<String, TensorData> optimizer = new LinkedHashMap<>(state);
    TensorData savedFactor = optimizer.remove(FACTOR);
    TensorData savedSteps = optimizer.remove(GOOD_STEPS);
    if (savedFactor == null || savedSteps == null) {
      throw new IllegalArgumentException(
          "the states have no loss scale: they come from a run with another train.compute");
    }
    factor =
        new LossScaling(
                savedFactor.bytes().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0), numbers.growthSteps())
            .start();
    goodSteps = savedSteps.bytes().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    return optimizer;
  }
}
