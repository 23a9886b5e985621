package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.train.ParameterGroup.Decay;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("native")
final class GroupedOptimizerTest {
  private static final double PEAK = 2e-3;

  @Test
  void loraPlusTakesTheGroupsOfPeft() {
    ParameterGroups groups = ParameterGroups.of(List.of(), OptionalDouble.of(16), PEAK);
    try (Device device = Device.shapeOnly()) {
      assertRate(1, groups, parameter(device, "l.0.q_proj.lora_A.weight", 8, 64));
      assertRate(16, groups, parameter(device, "l.0.q_proj.lora_B.weight", 64, 8));
      assertRate(16, groups, parameter(device, "l.0.q_proj.lora_magnitude_vector", 64));
      assertRate(1e-6 / PEAK, groups, parameter(device, "embed_tokens.lora_embedding_B", 64, 8));
      ParameterGroups one = ParameterGroups.of(List.of(), OptionalDouble.empty(), PEAK);
      assertRate(1, one, parameter(device, "l.0.q_proj.lora_B.weight", 64, 8));
    }
  }

  private static void assertRate(double expected, ParameterGroups groups, Parameter parameter) {
    assertEquals(new ParameterGroup(expected, Decay.APPLIED), groups.of(parameter));
    parameter.close();
  }

  @Test
  void everyGroupGoesWhereItsOwnRuleGoes() {
    List<String> names = List.of("a.lora_A.weight", "a.lora_B.weight", "a.norm.weight", "a.bias");
    ParameterGroups groups =
        ParameterGroups.of(List.of("norm", "bias$"), OptionalDouble.of(4), 0.01);
    AdamW.Settings rule = AdamW.Settings.withDecay(0.5);
    double[] rates = {0.01, 0.04, 0.04, 0.04};
    double[] decays = {0.5, 0.5, 0, 0};
    try (Device device = Device.cpu(1)) {
      List<Parameter> grouped = parameters(device, names);
      List<Parameter> alone = parameters(device, names);
      try (Optimizer together =
          new GroupedOptimizer.Settings(rule, groups).start(grouped, Kernels.of(device))) {
        for (int i = 0; i < names.size(); i++) {
          try (Optimizer single =
              rule.withWeightDecay(decays[i]).start(List.of(alone.get(i)), Kernels.of(device))) {
            for (int step = 1; step <= 3; step++) {
              slope(alone.get(i), step);
              single.update(rates[i]);
            }
          }
        }
        for (int step = 1; step <= 3; step++) {
          for (Parameter parameter : grouped) {
            slope(parameter, step);
          }
          together.update(0.01);
        }
        assertEquals(2 * names.size() + 1, together.state().size());
      }
      for (int i = 0; i < names.size(); i++) {
        assertArrayEquals(
            alone.get(i).value().toFloats(), grouped.get(i).value().toFloats(), names.get(i));
        alone.get(i).close();
        grouped.get(i).close();
      }
      assertEquals(0, device.memory().currentBytes());
    }
  }

  @Test
  void anExpressionThatMatchesNothingIsNamed() {
    try (Device device = Device.shapeOnly()) {
      List<Parameter> parameters =
          List.of(parameter(device, "a.weight", 2, 2), parameter(device, "b.bias", 2));
      ParameterGroups.of(List.of("bias"), OptionalDouble.empty(), 1).requireMatches(parameters);
      ConfigException refused =
          assertThrows(
              ConfigException.class,
              () ->
                  ParameterGroups.of(List.of("bais"), OptionalDouble.empty(), 1)
                      .requireMatches(parameters));
      assertEquals(
          "train.no_decay: bais is in the name of none of the 2 trained parameters, which are called"
              + " a.weight, b.bias; mend the expression or leave it out",
          refused.getMessage());
      parameters.forEach(Parameter::close);
    }
  }

  private static List<Parameter> parameters(Device device, List<String> names) {
    return names.stream()
        .map(name ->
            name.contains("lora_") ? parameter(device, name, 3, 5) : parameter(device, name, 15))
        .toList();
  }

  private static Parameter parameter(Device device, String name, long... shape) {
    Tensor value = device.floats(shape);
    value.copyFrom(Tensors.numbers(name, Math.toIntExact(value.elements())));
    return new Parameter(name, value, Training.TRAINABLE);
  }

  private static void slope(Parameter parameter, int step) {
    int count = Math.toIntExact(parameter.value().elements());
    parameter.gradientToAddTo().copyFrom(Tensors.numbers(parameter.name() + step, count));
  }
}
