package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

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
   * Merges every module of {@code adapter}; maps in few bits become float32, with or without an
   * adapter.
   *
   * @param parameters the model's float32 weights, in its order
   * @param quantised the model's maps that are held in few bits
   * @throws ConfigException if the adapter changes an embedding
   */
  public Merge(List<Parameter> parameters, List<BaseLinear> quantised, LoraAdapter adapter) {
    if (!adapter.embeddings().isEmpty()) {
      throw new ConfigException(
          "the adapter changes the embedding %s, and merging that is not available yet; use it unmerged"
              .formatted(adapter.embeddings().getFirst().name()));
    }
    this.parameters = List.copyOf(parameters);
    Set<String> adapted = new HashSet<>();
    try {
      for (Mergeable module : adapter.mergeable()) {
        adapted.add(module.name());
        merge(module);
      }
      for (BaseLinear map : quantised) {
        if (!adapted.contains(map.name()) && map instanceof BaseWeight weight) {
          Parameter whole = added(map);
          inTiles(map, whole, weight::readRows);
        }
      }
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  private void merge(Mergeable module) {
    Parameter weight = own(module).orElseGet(() -> added(module));
    inTiles(module, weight, module::mergedRows);
  }

  /** Rows of a weight from one on, into a tensor [rows, in]. */
  private interface Rows {
    void read(int from, Tensor out);
  }

  private static void inTiles(Linear map, Parameter weight, Rows rows) {
    for (int from = 0; from < map.outFeatures(); from += TILE_ROWS) {
      int count = Math.min(TILE_ROWS, map.outFeatures() - from);
      try (Tensor tile = weight.value().rows(from, count)) {
        rows.read(from, tile);
      }
    }
  }

  private Parameter added(Linear map) {
    Tensor value =
        parameters.getFirst().value().device().floats(map.outFeatures(), map.inFeatures());
    Parameter parameter = new Parameter(map.name() + ".weight", value, Training.FROZEN);
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
