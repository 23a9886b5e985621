package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.AdamWStep;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.QuantizedMoments;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.train.AdamW.States;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("reference")
final class AdamW8bitTest {
  private static final int STEPS = 12;

  /** Numbers of reference/dynamic_adamw.py. */
  private static AdamWStep numbers(int step) {
    return new AdamWStep(1e-2, 0.9, 0.999, 1e-8, 0.1, step);
  }

  /** Nothing is left to rounding: both sides do the same float32 operations in the same order. */
  @ParameterizedTest
  @ValueSource(ints = {1, 255, 256, 257, 4097})
  void twelveStepsGoBitForBitWhereTheIndependentRuleGoes(int length) {
    try (Fixture fixture = new Fixture("optim/adamw_8bit.safetensors");
        Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device);
        QuantizedMoments moments = QuantizedMoments.zeros(device, length)) {
      float[] table = fixture.floats("table");
      Tensor parameter = tensors.of(start(table, length), length);
      float[] onTheWay = fixture.floats(length + ".last_parameters");
      int kept = Math.min(length, 257);
      for (int step = 0; step < STEPS; step++) {
        Tensor gradient = tensors.of(gradient(table, length, step), length);
        Kernels.of(device).updates().adamW(parameter, gradient, moments, numbers(step + 1));
        float[] found = parameter.toFloats();
        for (int i = 0; i < kept; i++) {
          assertEquals(onTheWay[step * kept + i], found[length - kept + i], "step " + step);
        }
      }
      String prefix = length + ".";
      assertArrayEquals(fixture.floats(prefix + "parameter"), parameter.toFloats());
      assertArrayEquals(fixture.floats(prefix + "absmax1"), moments.meanMax().toFloats());
      assertArrayEquals(fixture.floats(prefix + "absmax2"), moments.squareMax().toFloats());
      assertArrayEquals(fixture.floats(prefix + "state1"), codes(moments.mean()));
      assertArrayEquals(fixture.floats(prefix + "state2"), codes(moments.square()));
    }
  }

  private static float[] start(float[] table, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = table[i % table.length];
    }
    return values;
  }

  private static float[] gradient(float[] table, int length, int step) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i / 256 == 3 ? 0f : table[(7 * i + 13 * step) % table.length];
    }
    return values;
  }

  private static float[] codes(Tensor tensor) {
    byte[] bytes = tensor.segment().toArray(ValueLayout.JAVA_BYTE);
    float[] codes = new float[bytes.length];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = bytes[i] & 0xFF;
    }
    return codes;
  }

  @Test
  void smallParametersKeepStatesInFloat32() {
    try (Device device = Device.cpu(1);
        Parameter small = new Parameter("small", device.zeros(4095), Training.TRAINABLE);
        Parameter large = new Parameter("large", device.zeros(64, 64), Training.TRAINABLE);
        Optimizer rule =
            AdamW.Settings.withDecay(0)
                .withStates(States.BITS_8)
                .start(List.of(small, large), Kernels.of(device))) {
      Map<String, TensorData> state = rule.state();
      assertState(StoredType.F32, List.of(4095L), state.get("small.state1"));
      assertState(StoredType.F32, List.of(4095L), state.get("small.state2"));
      assertState(StoredType.U8, List.of(4096L), state.get("large.state1"));
      assertState(StoredType.U8, List.of(4096L), state.get("large.state2"));
      assertState(StoredType.F32, List.of(16L), state.get("large.absmax1"));
      assertState(StoredType.F32, List.of(16L), state.get("large.absmax2"));
      assertEquals(7, state.size());
    }
  }

  private static void assertState(StoredType type, List<Long> shape, @Nullable TensorData found) {
    TensorData data = Objects.requireNonNull(found);
    assertEquals(type, data.type());
    assertEquals(shape, data.shape());
  }

  /** 8 bits lose at most half a step of the map, so the way is nearly that of float32 states. */
  @Test
  void theWayIsNearlyThatOfFloat32States() {
    try (Device device = Device.cpu(1);
        Parameter exact = normal(device);
        Parameter coarse = normal(device);
        Optimizer rule = AdamW.Settings.withDecay(0.01).start(List.of(exact), Kernels.of(device));
        Optimizer rule8 =
            AdamW.Settings.withDecay(0.01)
                .withStates(States.BITS_8)
                .start(List.of(coarse), Kernels.of(device))) {
      float[] before = exact.value().toFloats();
      for (int step = 0; step < STEPS; step++) {
        float[] gradient = Tensors.numbers("gradient" + step, 4096);
        exact.gradientToAddTo().copyFrom(gradient);
        coarse.gradientToAddTo().copyFrom(gradient);
        rule.update(1e-3);
        rule8.update(1e-3);
      }
      double moved = 0;
      double apart = 0;
      float[] end = exact.value().toFloats();
      float[] end8 = coarse.value().toFloats();
      for (int i = 0; i < before.length; i++) {
        moved += Math.abs(end[i] - before[i]);
        apart += Math.abs(end[i] - end8[i]);
      }
      // Half a step of the map is at most 1/2 · 9/64 of a decade's beginning: 0.07, for each state.
      assertTrue(apart < 0.14 * moved, apart + " of " + moved);
      assertTrue(apart > 0);
    }
  }

  private static Parameter normal(Device device) {
    Tensor value = device.floats(64, 64).copyFrom(Tensors.numbers("value", 4096));
    return new Parameter("x", value, Training.TRAINABLE);
  }
}
