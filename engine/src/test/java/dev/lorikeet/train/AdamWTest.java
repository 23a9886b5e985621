package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.ReferenceTraining;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Tag("reference")
final class AdamWTest {
  /**
   * Twelve steps in float32, relative to the largest value on the way, because a step may end near
   * zero; torch's own are 6e-7 from its float64.
   */
  private static final double RELATIVE_TOLERANCE = 1e-6;

  @Test
  void parametersGoWhereTorchsGo() {
    JsonNode cases = Fixture.json("optim/adamw.json");
    try (Device device = Device.cpu(1)) {
      for (JsonNode settings : cases) {
        follow(device, settings);
      }
      assertEquals(0, device.memory().currentBytes());
    }
    assertEquals(10, cases.size());
  }

  @Test
  void severalParametersShareTheStepAndKeepTheirStates() {
    JsonNode settings = Fixture.json("optim/adamw.json").get(1);
    try (Device device = Device.cpu(1);
        Parameter one = parameter(device, settings);
        Parameter other = parameter(device, settings);
        AdamW both =
            new AdamW(List.of(one, other), ReferenceTraining.adamW(settings), Kernels.of(device))) {
      for (JsonNode gradient : settings.get("gradients")) {
        one.gradientToAddTo().copyFrom(Fixture.floats(gradient));
        other.gradientToAddTo().copyFrom(Fixture.floats(gradient));
        both.update(settings.get("learning_rate").asDouble());
      }
      assertArrayEquals(one.value().toFloats(), other.value().toFloats());
      JsonNode end = settings.get("float64").get("parameters").get(11);
      Close.assertRelative(
          Fixture.floats(end), one.value().toFloats(), RELATIVE_TOLERANCE, "the end");
    }
  }

  private static void follow(Device device, JsonNode settings) {
    String name = settings.get("name").asString();
    JsonNode gradients = settings.get("gradients");
    double largest = Rounding.max(Fixture.floats(settings.get("start")));
    try (Parameter parameter = parameter(device, settings);
        AdamW adamW =
            new AdamW(List.of(parameter), ReferenceTraining.adamW(settings), Kernels.of(device))) {
      for (int step = 0; step < gradients.size(); step++) {
        parameter.gradientToAddTo().copyFrom(Fixture.floats(gradients.get(step)));
        adamW.update(settings.get("learning_rate").asDouble());
        assertArrayEquals(
            new float[(int) parameter.value().elements()],
            parameter.gradientToAddTo().toFloats(),
            "the gradient is cleared");
        float[] expected = Fixture.floats(settings.get("float64").get("parameters").get(step));
        largest = Math.max(largest, Rounding.max(expected));
        assertArrayEquals(
            expected,
            parameter.value().toFloats(),
            (float) (RELATIVE_TOLERANCE * largest),
            name + " step " + step);
      }
      assertEquals(12, gradients.size());
    }
  }

  private static Parameter parameter(Device device, JsonNode settings) {
    float[] start = Fixture.floats(settings.get("start"));
    return new Parameter("x", device.floats(start.length).copyFrom(start), Training.TRAINABLE);
  }
}
