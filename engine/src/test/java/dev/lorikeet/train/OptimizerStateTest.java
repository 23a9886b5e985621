package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class OptimizerStateTest {
  private static final float[] START = {0.5f, -1f, 2f};
  private static final Optimizer.Settings RULE = AdamW.Settings.withDecay(0.01);

  @Test
  void anOptimiserGoesOnBitForBitFromItsState() {
    try (Device device = Device.cpu(1);
        Parameter whole = parameter(device, START);
        Optimizer rule = RULE.start(List.of(whole), Kernels.of(device))) {
      update(rule, whole, 1);
      update(rule, whole, 2);
      try (Parameter halved = parameter(device, whole.value().toFloats());
          Optimizer resumed = RULE.start(List.of(halved), Kernels.of(device))) {
        resumed.restore(copy(rule.state()));
        update(rule, whole, 3);
        update(resumed, halved, 3);
        assertArrayEquals(whole.value().toFloats(), halved.value().toFloats());
      }
    }
  }

  @Test
  void aStateOfOtherParametersIsRefused() {
    try (Device device = Device.cpu(1);
        Parameter parameter = parameter(device, START);
        Parameter longer = parameter(device, new float[4]);
        Optimizer rule = RULE.start(List.of(parameter), Kernels.of(device));
        Optimizer other = RULE.start(List.of(longer), Kernels.of(device))) {
      IllegalArgumentException shape =
          assertThrows(IllegalArgumentException.class, () -> other.restore(rule.state()));
      assertEquals("state x.exp_avg is F32 [3], expected F32 [4]", shape.getMessage());
      Map<String, TensorData> partly = new LinkedHashMap<>(rule.state());
      partly.remove("x.exp_avg");
      assertThrows(IllegalArgumentException.class, () -> rule.restore(partly));
    }
  }

  private static Parameter parameter(Device device, float[] values) {
    return new Parameter("x", device.floats(values.length).copyFrom(values), Training.TRAINABLE);
  }

  private static void update(Optimizer rule, Parameter parameter, float size) {
    parameter.gradientToAddTo().copyFrom(new float[] {size, -0.25f * size, 1 / size});
    rule.update(0.1);
  }

  private static Map<String, TensorData> copy(Map<String, TensorData> state) {
    Map<String, TensorData> copy = new LinkedHashMap<>();
    state.forEach((name, data) ->
        copy.put(
            name,
            new TensorData(
                data.type(),
                data.shape(),
                MemorySegment.ofArray(data.bytes().toArray(ValueLayout.JAVA_BYTE)))));
    return copy;
  }
}
