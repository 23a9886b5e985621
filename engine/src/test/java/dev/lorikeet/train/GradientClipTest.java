package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Tag("reference")
final class GradientClipTest {
  /** torch adds the squares in float32, here they are added in double: 29 terms. */
  private static final double RELATIVE_TOLERANCE = 1e-6;

  @Test
  void normsAndClippedGradientsAreThoseOfTorch() {
    JsonNode cases = Fixture.json("optim/clip.json");
    try (Device device = Device.cpu(1)) {
      for (JsonNode expected : cases) {
        compare(device, expected);
      }
      assertEquals(0, device.memory().currentBytes());
    }
    assertEquals(6, cases.size());
  }

  @Test
  void aLimitOfZeroIsNoLimit() {
    float[] values = {3e5f, -4e5f};
    try (Device device = Device.cpu(1);
        Tensor gradient = device.floats(2).copyFrom(values)) {
      GradientClip clip = new GradientClip(Kernels.of(device), 0);
      double norm = norm(clip, List.of(gradient));
      assertEquals(5e5, norm, 1e-9);
      clip.apply(List.of(gradient), norm);
      assertArrayEquals(values, gradient.toFloats());
    }
  }

  private static void compare(Device device, JsonNode expected) {
    String name = expected.get("name").asString();
    List<Tensor> gradients = new ArrayList<>();
    for (JsonNode gradient : expected.get("gradients")) {
      float[] values = Fixture.floats(gradient);
      gradients.add(device.floats(values.length).copyFrom(values));
    }
    GradientClip clip = new GradientClip(Kernels.of(device), expected.get("max_norm").asDouble());
    double norm = norm(clip, gradients);
    double wanted = expected.get("norm").asDouble();
    assertEquals(wanted, norm, RELATIVE_TOLERANCE * wanted, name + " norm");
    clip.apply(gradients, norm);
    for (int i = 0; i < gradients.size(); i++) {
      Close.assertRelative(
          Fixture.floats(expected.get("clipped").get(i)),
          gradients.get(i).toFloats(),
          RELATIVE_TOLERANCE,
          name + " tensor " + i);
    }
    gradients.forEach(Tensor::close);
  }

  private static double norm(GradientClip clip, List<Tensor> gradients) {
    try (StepNumbers numbers = new StepNumbers(gradients.getFirst().device(), 0);
        Tensor squares = numbers.squares()) {
      clip.measure(gradients, squares);
      return Math.sqrt(numbers.read().squares());
    }
  }
}
