package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.SgdStep.Direction;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.train.AdamW.States;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("native")
final class OptimizerStateTest {
  private static final float[] START = {0.5f, -1f, 2f};
  private static final Optimizer.Settings RULE = AdamW.Settings.withDecay(0.01);

  /**
   * A vector, a matrix that stays in float32 and one whose states have 8 bits and a short block.
   */
  private static final long[][] SHAPES = {{3}, {5, 7}, {41, 101}};

  static List<Optimizer.Settings> rules() {
    return List.of(
        RULE,
        AdamW.Settings.withDecay(0.01).withStates(States.BITS_8),
        Sgd.Settings.plain(0.01),
        new Sgd.Settings(0.9, Direction.NESTEROV, 0.01),
        Lion.Settings.withDecay(0.01),
        new Adafactor.Settings(0.01),
        new GroupedOptimizer.Settings(
            AdamW.Settings.withDecay(0.01).withStates(States.BITS_8),
            ParameterGroups.of(List.of("1"), OptionalDouble.of(4), 0.1)));
  }

  @ParameterizedTest
  @MethodSource("rules")
  void anOptimiserGoesOnBitForBitFromItsState(Optimizer.Settings settings) {
    try (Device device = Device.cpu(2);
        Trained whole = new Trained(device, settings);
        Trained resumed = new Trained(device, settings)) {
      for (int step = 1; step <= 3; step++) {
        whole.update(step);
      }
      resumed.copyFrom(whole);
      resumed.rule.restore(copy(whole.rule.state()));
      for (int step = 4; step <= 6; step++) {
        whole.update(step);
        resumed.update(step);
        assertEquals(whole.values(), resumed.values(), settings + " step " + step);
      }
    }
  }

  static List<Optimizer.Settings> rulesWithStates() {
    return rules().stream().filter(rule -> !rule.equals(Sgd.Settings.plain(0.01))).toList();
  }

  @ParameterizedTest
  @MethodSource("rulesWithStates")
  void statesAreNeeded(Optimizer.Settings settings) {
    try (Device device = Device.cpu(2);
        Trained whole = new Trained(device, settings);
        Trained forgetful = new Trained(device, settings)) {
      whole.update(1);
      forgetful.copyFrom(whole);
      whole.update(2);
      forgetful.update(2);
      assertNotEquals(whole.values(), forgetful.values());
    }
  }

  /** The shape-only device counts what the CPU takes. */
  @ParameterizedTest
  @MethodSource("rules")
  void statesHaveTheBytesOfThePlan(Optimizer.Settings settings) {
    try (Device device = Device.cpu(1);
        Device shapes = Device.shapeOnly();
        Trained real = new Trained(device, settings);
        Trained planned = new Trained(shapes, settings)) {
      real.update(1);
      planned.update(1);
      assertEquals(device.memory().currentBytes(), shapes.memory().currentBytes());
      assertEquals(device.memory().peakBytes(), shapes.memory().peakBytes());
      assertEquals(real.rule.state().keySet(), planned.rule.state().keySet());
      long stateBytes =
          real.rule.state().values().stream().mapToLong(data -> data.bytes().byteSize()).sum();
      long others = real.parameters.stream().mapToLong(p -> 2 * p.value().bytes()).sum();
      assertEquals(stateBytes, device.memory().currentBytes() - others + Long.BYTES);
    }
  }

  /** Parameters of every kind of shape and the rule that updates them. */
  private static final class Trained implements AutoCloseable {
    private final List<Parameter> parameters = new ArrayList<>();
    private final Optimizer rule;

    Trained(Device device, Optimizer.Settings settings) {
      for (long[] shape : SHAPES) {
        String name = "lora_" + "AB".charAt(parameters.size() % 2) + parameters.size();
        Tensor value = device.floats(shape);
        value.copyFrom(Tensors.numbers(name, Math.toIntExact(value.elements())));
        parameters.add(new Parameter(name, value, Training.TRAINABLE));
      }
      rule = settings.start(parameters, Kernels.of(device));
    }

    void update(int step) {
      for (Parameter parameter : parameters) {
        int count = Math.toIntExact(parameter.value().elements());
        parameter.gradientToAddTo().copyFrom(Tensors.numbers(parameter.name() + step, count));
      }
      rule.update(0.01);
    }

    void copyFrom(Trained other) {
      for (int i = 0; i < parameters.size(); i++) {
        parameters.get(i).value().copyFrom(other.parameters.get(i).value());
      }
    }

    List<Float> values() {
      List<Float> values = new ArrayList<>();
      for (Parameter parameter : parameters) {
        for (float value : parameter.value().toFloats()) {
          values.add(value);
        }
      }
      return values;
    }

    @Override
    public void close() {
      rule.close();
      parameters.forEach(Parameter::close);
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
      assertEquals(2, partly.size());
      assertThrows(IllegalArgumentException.class, () -> rule.restore(partly));
    }
  }

  private static Parameter parameter(Device device, float[] values) {
    return new Parameter("x", device.floats(values.length).copyFrom(values), Training.TRAINABLE);
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
