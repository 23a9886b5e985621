package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("native")
final class MasterWeightsTest {
  private static final AdamW.Settings RULE = AdamW.Settings.withDecay(0.01);
  private static final int COUNT = 100;

  private static Parameter half(Device device, DType type, float[] values) {
    try (Tensor floats = device.floats(values.length).copyFrom(values)) {
      return new Parameter(
          "w", device.empty(type, values.length).roundFrom(floats), Training.TRAINABLE);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BFLOAT16", "FLOAT16"})
  void weightsAreTheRoundedPathOfTheRuleInFloat32(DType type) {
    try (Device device = Device.cpu(2)) {
      try (Parameter weight = half(device, type, Tensors.numbers("w", COUNT));
          Parameter plain = new Parameter("w", weight.value().asFloats(), Training.TRAINABLE);
          Optimizer masters = MasterWeights.start(RULE, List.of(weight), Kernels.of(device));
          Optimizer alone = RULE.start(List.of(plain), Kernels.of(device));
          Tensor rounded = device.empty(type, COUNT)) {
        for (int step = 0; step < 5; step++) {
          float[] gradient = Tensors.numbers("g" + step, COUNT);
          weight.gradientToAddTo().copyFrom(gradient);
          plain.gradientToAddTo().copyFrom(gradient);
          masters.update(1e-3);
          alone.update(1e-3);
          rounded.roundFrom(plain.value());
          assertArrayEquals(rounded.toFloats(), weight.value().toFloats(), "step " + step);
          assertArrayEquals(new float[COUNT], weight.gradientToAddTo().toFloats());
        }
      }
      assertEquals(0, device.memory().currentBytes());
    }
  }

  /** At 1 a bfloat16 has steps of 2⁻⁸ below and 2⁻⁷ above: an update of 1e-4 alone is lost. */
  @Test
  void updatesBelowAStepOfTheWeightAddUp() {
    float[] ones = new float[] {1, 1, 1, 1};
    try (Device device = Device.cpu(1);
        Parameter weight = half(device, DType.BFLOAT16, ones);
        Optimizer masters =
            MasterWeights.start(AdamW.Settings.withDecay(0), List.of(weight), Kernels.of(device))) {
      for (int step = 1; step <= 100; step++) {
        weight.gradientToAddTo().copyFrom(ones);
        masters.update(1e-4);
        if (step == 1) {
          assertArrayEquals(ones, weight.value().toFloats());
        }
      }
      // 100 steps of Adam under one gradient are 100 times the rate: 0.99, whose nearest is this.
      assertEquals(0.98828125f, weight.value().toFloats()[0]);
    }
  }

  @Test
  void theStateHoldsTheMastersAndGoesOn() {
    try (Device device = Device.cpu(1);
        Parameter weight = half(device, DType.BFLOAT16, Tensors.numbers("w", COUNT));
        Parameter other = half(device, DType.BFLOAT16, new float[COUNT]);
        Optimizer first = MasterWeights.start(RULE, List.of(weight), Kernels.of(device));
        Optimizer second = MasterWeights.start(RULE, List.of(other), Kernels.of(device))) {
      update(first, weight, "before");
      Map<String, TensorData> state = first.state();
      assertTrue(state.containsKey("w.master") && state.containsKey("w.exp_avg"), "" + state);
      second.restore(state);
      other.value().copyFrom(weight.value());
      update(first, weight, "after");
      update(second, other, "after");
      assertArrayEquals(weight.value().toFloats(), other.value().toFloats());
      assertEquals(-1, master(first).bytes().mismatch(master(second).bytes()));
      Map<String, TensorData> without = new LinkedHashMap<>(state);
      without.remove("w.master");
      assertThrows(IllegalArgumentException.class, () -> second.restore(without));
    }
  }

  private static TensorData master(Optimizer optimizer) {
    return Objects.requireNonNull(optimizer.state().get("w.master"));
  }

  private static void update(Optimizer optimizer, Parameter weight, String seed) {
    weight.gradientToAddTo().copyFrom(Tensors.numbers(seed, COUNT));
    optimizer.update(1e-2);
  }

  @Test
  void float32WeightsHaveNoMasters() {
    try (Device device = Device.cpu(1);
        Parameter weight = new Parameter("w", device.zeros(4), Training.TRAINABLE);
        Optimizer rule = MasterWeights.start(RULE, List.of(weight), Kernels.of(device))) {
      assertEquals(AdamW.class, rule.getClass());
      assertNotEquals(0, device.memory().currentBytes());
    }
  }
}
