package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.FloatTensor;
import dev.lorikeet.format.PeftNames;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * PEFT's modules_to_save: modules that are trained and saved as a whole beside an adapter. The
 * trained weight takes the place of the base's, so there is one in memory; it is float32. Where a
 * tied head or its embedding is saved the other one keeps the base's weight, as in PEFT.
 */
final class SavedModules {
  /** A copy in bfloat16 differs from its float32 original by half of this at most. */
  private static final float COPY_TOLERANCE = 0x1p-7f;

  private final List<String> names;
  private final Optional<GivenAdapter> given;
  private final Map<String, Parameter> saved = new LinkedHashMap<>();
  private final List<String> seen = new ArrayList<>();

  SavedModules(List<String> names, Optional<GivenAdapter> given) {
    this.names = names;
    this.given = given;
  }

  /** The weights of {@code base}, with those of saved modules trainable. */
  Weights over(Weights base) {
    return new Weights() {
      @Override
      public Parameter parameter(String name, String impliedBy, long... shape) {
        return takenOrClosed(trainable(name, base.parameter(name, impliedBy, shape)));
      }

      @Override
      public BaseLinear linear(
          String name, DenseLinear.Shape shape, DenseLinear.Bias bias, String impliedBy) {
        if (saves(name + ".weight")) {
          return DenseLinear.load(this, name, shape, bias, impliedBy);
        }
        BaseLinear map = base.linear(name, shape, bias, impliedBy);
        map.parameters().forEach(parameter -> seen.add(parameter.name()));
        return map;
      }

      @Override
      public Parameter shared(Parameter owner, String name) {
        seen.add(name);
        boolean apart = saved.containsKey(owner.name()) || saves(name);
        if (!apart) {
          requireSameBase(name, owner);
          return base.shared(owner, name);
        }
        Parameter copy = base.parameter(owner.name(), "", owner.value().shape());
        return takenOrClosed(trainable(name, copy.as(name, Training.FROZEN)));
      }

      @Override
      public boolean contains(String name) {
        return base.contains(name);
      }
    };
  }

  /** A saved weight in float32, like the matrices of the adapter beside it; others as they are. */
  private Parameter trainable(String name, Parameter base) {
    if (!saves(name) || base.value().dtype() == DType.FLOAT32) {
      return base;
    }
    try (base) {
      return new Parameter(name, base.value().asFloats(), Training.FROZEN);
    }
  }

  private boolean saves(String parameter) {
    return PeftNames.saves(names, parameter);
  }

  private Parameter takenOrClosed(Parameter base) {
    try {
      return taken(base);
    } catch (RuntimeException failure) {
      base.close();
      throw failure;
    }
  }

  private Parameter taken(Parameter base) {
    seen.add(base.name());
    requireSameBase(base.name(), base);
    if (!saves(base.name())) {
      return base;
    }
    Parameter trained = base.as(base.name(), Training.TRAINABLE);
    given.map(g -> g.files().saved().get(base.name())).ifPresent(v -> restore(trained, v));
    saved.put(trained.name(), trained);
    return trained;
  }

  private void restore(Parameter parameter, FloatTensor values) {
    requireShape(parameter, values);
    parameter.value().copyFrom(values.toArray());
  }

  /** PEFT writes the base weight of adapted embeddings; another one means another base. */
  private void requireSameBase(String name, Parameter base) {
    FloatTensor copy = given.map(g -> g.files().baseWeights().get(name)).orElse(null);
    if (copy == null) {
      return;
    }
    requireShape(base, copy);
    if (!base.value().device().holdsValues()) {
      return;
    }
    float[] expected = copy.toArray();
    float[] found = base.value().toFloats();
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) <= COPY_TOLERANCE * Math.abs(expected[i]))) {
        throw new FormatException(
            given.orElseThrow().dir(),
            name,
            "the adapter holds a copy of this base weight that differs at element %d (%s, the model has %s): the adapter belongs to another base model"
                .formatted(i, expected[i], found[i]));
      }
    }
  }

  private void requireShape(Parameter parameter, FloatTensor values) {
    Tensor tensor = parameter.value();
    List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
    if (!values.shape().equals(shape)) {
      throw new FormatException(
          given.orElseThrow().dir(),
          parameter.name(),
          "the adapter has it as %s, but this model as %s: the adapter belongs to another base model"
              .formatted(values.shape(), shape));
    }
  }

  /** The trained weights in the order of the model, which owns them. */
  List<Parameter> parameters() {
    return List.copyOf(saved.values());
  }

  /** Refuses names that match no module, and weights of the files that the model does not have. */
  void requireComplete() {
    List<String> unmatched =
        names.stream()
            .filter(
                name -> saved.keySet().stream().noneMatch(p -> PeftNames.saves(List.of(name), p)))
            .toList();
    if (!unmatched.isEmpty()) {
      List<String> modules = seen.stream().map(p -> p.substring(0, p.lastIndexOf('.'))).toList();
      throw new ConfigException(
          "adapter.modules_to_save %s: no module of the model ends so; there are %s."
              .formatted(unmatched, Targets.endings(modules)));
    }
    if (given.isEmpty()) {
      return;
    }
    TreeSet<String> strange = new TreeSet<>(given.get().files().saved().keySet());
    strange.removeAll(saved.keySet());
    if (!strange.isEmpty()) {
      throw new FormatException(
          given.orElseThrow().dir(),
          strange.first(),
          "is saved as a whole in the adapter, but %s; %d of its %d saved weights are concerned"
              .formatted(
                  seen.contains(strange.first())
                      ? "not in the recipe's adapter.modules_to_save"
                      : "the model has no such weight",
                  strange.size(),
                  given.get().files().saved().size()));
    }
  }

  /** Refuses files that lack a weight which their own configuration names. */
  void requireAllGiven() {
    for (String name : saved.keySet()) {
      if (given.isPresent() && !given.get().files().saved().containsKey(name)) {
        throw new FormatException(
            given.orElseThrow().dir(),
            name,
            "belongs to modules_to_save of adapter_config.json, but adapter_model.safetensors lacks it; save the adapter again");
      }
    }
  }
}
