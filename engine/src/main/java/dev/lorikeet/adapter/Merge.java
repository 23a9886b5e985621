package dev.lorikeet.adapter;

import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model's weights with an adapter worked into them: W + s·BA with LoRA, m / ‖W + s·BA‖ ⊙ (W +
 * s·BA) with DoRA, in float32. A weight held in float32 for its map alone is changed in place, so
 * that merging takes no second copy of the model; any other one (a head tied to the embedding, a
 * quantised weight) becomes a new tensor of float32 under the map's own name. The adapted model is
 * of no use afterwards but to be written. Owns the new tensors.
 */
public final class Merge implements AutoCloseable {
  private static final int TILE_ROWS = 256;

  private final List<Parameter> parameters;
  private final List<Parameter> added = new ArrayList<>();

  /**
   * Merges every module of {@code adapter}.
   *
   * @param parameters the model's weights, in its order
   */
  public Merge(List<Parameter> parameters, LoraAdapter adapter) {
    this.parameters = List.copyOf(parameters);
    try {
      adapter.mergeable().forEach(this::merge);
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  private void merge(Mergeable module) {
    Parameter weight = own(module).orElseGet(() -> added(module));
    for (int from = 0; from < module.outFeatures(); from += TILE_ROWS) {
      int count = Math.min(TILE_ROWS, module.outFeatures() - from);
      try (Tensor rows = weight.value().rows(from, count)) {
        module.mergedRows(from, rows);
      }
    }
  }

  private Parameter added(Mergeable module) {
    Tensor value =
        parameters.getFirst().value().device().floats(module.outFeatures(), module.inFeatures());
    Parameter parameter = new Parameter(module.name() + ".weight", value, Training.FROZEN);
    added.add(parameter);
    return parameter;
  }

  /** The float32 weight that belongs to this map alone, if there is one. */
  private Optional<Parameter> own(Mergeable module) {
    return module.base() instanceof DenseLinear dense
        ? parameters.stream()
            .filter(parameter -> parameter.name().equals(module.name() + ".weight"))
            .filter(parameter -> parameter.value() == dense.weight().value())
            .findFirst()
        : Optional.empty();
  }

  /** All weights of the merged model; those that became tensors of their own stand last. */
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(parameters);
    all.removeIf(
        parameter -> added.stream().anyMatch(other -> other.name().equals(parameter.name())));
    all.addAll(added);
    return all;
  }

  @Override
  public void close() {
    added.forEach(Parameter::close);
    added.clear();
  }
}
