package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.train.ParameterGroup.Decay;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Tag("native")
final class GroupedOptimizerTest {
  @Test
  @Tag("reference")
  void loraPlusHasTheLearningRatesOfPeft() {
    JsonNode expected = Fixture.json("optim/loraplus.json");
    double peak = expected.get("learning_rate").asDouble();
    double ratio = expected.get("loraplus_lr_ratio").asDouble();
    ParameterGroups groups = ParameterGroups.of(List.of(), OptionalDouble.of(ratio), peak);
    Set<Double> rates = new HashSet<>();
    try (Device device = Device.shapeOnly()) {
      for (JsonNode node : expected.get("parameters")) {
        long[] shape = node.get("shape").valueStream().mapToLong(JsonNode::asLong).toArray();
        String name = node.get("name").asString();
        try (Parameter parameter = new Parameter(name, device.floats(shape), Training.TRAINABLE)) {
          double rate = node.get("learning_rate").asDouble();
          assertEquals(rate, peak * groups.of(parameter).rateFactor(), 2 * Math.ulp(rate), name);
          assertEquals(Decay.APPLIED, groups.of(parameter).decay());
          rates.add(rate);
        }
      }
    }
    assertEquals(9, expected.get("parameters").size());
    assertEquals(3, rates.size());
  }

  @Test
  void everyParameterLearnsAlikeWithoutLoraPlus() {
    ParameterGroups groups = ParameterGroups.of(List.of(), OptionalDouble.empty(), 1);
    try (Device device = Device.shapeOnly();
        Parameter b = new Parameter("q_proj.lora_B.weight", device.floats(9), Training.TRAINABLE)) {
      assertEquals(new ParameterGroup(1, Decay.APPLIED), groups.of(b));
      assertEquals(groups, ParameterGroups.none());
    }
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
