package dev.lorikeet.train;

import static dev.lorikeet.fixture.Rounding.U;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Parameters and states go where torch's SGD, transformers' Adafactor and Lion's formula go. */
@Tag("reference")
final class OptimizerReferenceTest {
  private static final int STEPS = 12;

  /**
   * A step of any of the rules rounds at most six times what it adds to a parameter and to a state,
   * relative to the largest value on the way, as a step may end near zero.
   */
  private static final double RELATIVE_TOLERANCE = STEPS * 6 * U;

  @Test
  void sgdGoesWhereTorchsGoes() {
    int cases =
        follow(
            "optim/sgd.json",
            settings ->
                new Sgd.Settings(
                    number(settings, "momentum"),
                    settings.get("nesterov").asBoolean() ? Direction.NESTEROV : Direction.MOMENTUM,
                    number(settings, "weight_decay")));
    assertEquals(12, cases);
  }

  @Test
  void lionGoesWhereItsFormulaGoes() {
    int cases =
        follow(
            "optim/lion.json",
            settings ->
                new Lion.Settings(
                    number(settings, "adam_beta1"),
                    number(settings, "adam_beta2"),
                    number(settings, "weight_decay")));
    assertEquals(6, cases);
  }

  @Test
  void adafactorGoesWhereTransformersGoes() {
    int cases =
        follow(
            "optim/adafactor.json",
            settings -> new Adafactor.Settings(number(settings, "weight_decay")));
    assertEquals(10, cases);
  }

  /** Runs every case of a file; returns their number. */
  private static int follow(String file, Function<JsonNode, Optimizer.Settings> rule) {
    JsonNode cases = Fixture.json(file);
    try (Device device = Device.cpu(2)) {
      for (JsonNode settings : cases) {
        follow(device, settings, rule.apply(settings));
      }
      assertEquals(0, device.memory().currentBytes());
    }
    return cases.size();
  }

  private static void follow(Device device, JsonNode settings, Optimizer.Settings rule) {
    String name = settings.get("name").asString();
    JsonNode gradients = settings.get("gradients");
    assertEquals(STEPS, gradients.size());
    double largest = Rounding.max(Fixture.floats(settings.get("start")));
    try (Parameter parameter = parameter(device, settings);
        Optimizer optimizer = rule.start(List.of(parameter), Kernels.of(device))) {
      for (int step = 0; step < STEPS; step++) {
        parameter.gradientToAddTo().copyFrom(Fixture.floats(gradients.get(step)));
        optimizer.update(number(settings, "learning_rate"));
        assertEquals(
            0, Rounding.max(parameter.gradientToAddTo().toFloats()), "the gradient is cleared");
        float[] expected = Fixture.floats(settings.get("parameters").get(step));
        largest = Math.max(largest, Rounding.max(expected));
        assertArrayEquals(
            expected,
            parameter.value().toFloats(),
            (float) (RELATIVE_TOLERANCE * largest),
            name + " step " + step);
      }
      compareStates(name, settings.get("states"), optimizer.state());
    }
  }

  private static void compareStates(String name, JsonNode expected, Map<String, TensorData> state) {
    assertEquals(expected.size() + 1, state.size(), name + ": " + state.keySet());
    expected.forEachEntry((key, values) -> {
      TensorData found = Objects.requireNonNull(state.get("x." + key));
      float[] exact = Fixture.floats(values);
      float[] actual = found.bytes().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
      for (int i = 0; i < exact.length; i++) {
        // A mean of what grew and shrank keeps the rounding of its largest part.
        double tolerance = RELATIVE_TOLERANCE * Math.max(Rounding.max(exact), Math.abs(exact[i]));
        assertEquals(exact[i], actual[i], tolerance, name + " " + key + " at " + i);
      }
    });
  }

  private static Parameter parameter(Device device, JsonNode settings) {
    long[] shape = settings.get("shape").valueStream().mapToLong(JsonNode::asLong).toArray();
    Tensor value = device.floats(shape).copyFrom(Fixture.floats(settings.get("start")));
    return new Parameter("x", value, Training.TRAINABLE);
  }

  private static double number(JsonNode settings, String key) {
    return settings.get(key).asDouble();
  }
}
