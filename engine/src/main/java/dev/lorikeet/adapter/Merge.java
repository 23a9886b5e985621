package dev.lorikeet.adapter;

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
 * s·BA) with DoRA, E + s·(BA)ᵀ of an embedding, in float32. A weight held in float32 for its map
 * alone is changed in place, so that merging takes no second copy of the model; any other one (a
 * head tied to the embedding, a quantised weight) becomes a new tensor of float32 under the map's
 * own name. A head that is tied to an adapted embedding wears no adapter of it, so it keeps the old
 * table, under its own name. The adapted model is of no use afterwards but to be written. Owns the
 * new tensors.
 */
public final class Merge implements AutoCloseable {
  private static final int TILE_ROWS = 256;

  private final List<Parameter> parameters;
  private final LoraAdapter adapter;
  private final List<Parameter> added = new ArrayList<>();
  private final List<Parameter> untied = new ArrayList<>();

  /**
   * Merges every module of {@code adapter}; maps in few bits become float32, with or without an
   * adapter.
   *
   * @param parameters the model's float32 weights, in its order
   * @param quantised the model's maps that are held in few bits
   * @param head the model's output head, which may be tied to its embedding
   */
  public Merge(
      List<Parameter> parameters, List<BaseLinear> quantised, Linear head, LoraAdapter adapter) {
    this.parameters = List.copyOf(parameters);
    this.adapter = adapter;
    Set<String> adapted = new HashSet<>();
    try {
      for (Mergeable module : adapter.mergeable()) {
        adapted.add(module.name());
        merge(module);
      }
      for (BaseLinear map : quantised) {
        if (!adapted.contains(map.name()) && map instanceof BaseWeight weight) {
          inTiles(added(map).value(), weight::readRows);
        }
      }
      // Last, because an adapter of a tied head reads the table as it was.
      for (LoraEmbedding embedding : adapter.embeddings()) {
        merge(embedding, head);
      }
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  private void merge(Mergeable module) {
    Parameter weight = own(module).orElseGet(() -> added(module));
    inTiles(weight.value(), module::mergedRows);
  }

  private void merge(LoraEmbedding embedding, Linear head) {
    Parameter table = embedding.table();
    boolean tied = head instanceof DenseLinear dense && dense.weight().value() == table.value();
    if (tied) {
      untied.add(table.as(head.name() + ".weight", Training.FROZEN));
    }
    Tensor merged =
        tied
            ? added(embedding.name(), embedding.rows(), embedding.columns()).value()
            : table.value();
    inTiles(merged, embedding::mergedRows);
  }

  /** Rows of a weight from one on, into a tensor [rows, in]. */
  private interface Rows {
    void read(int from, Tensor out);
  }

  private static void inTiles(Tensor weight, Rows rows) {
    int all = Math.toIntExact(weight.size(0));
    for (int from = 0; from < all; from += TILE_ROWS) {
      try (Tensor tile = weight.rows(from, Math.min(TILE_ROWS, all - from))) {
        rows.read(from, tile);
      }
    }
  }

  private Parameter added(Linear map) {
    return added(map.name(), map.outFeatures(), map.inFeatures());
  }

  private Parameter added(String module, int rows, int columns) {
    Tensor value = parameters.getFirst().value().device().floats(rows, columns);
    Parameter parameter = new Parameter(module + ".weight", value, Training.FROZEN);
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
    all.addAll(untied);
    return all;
  }

  /** Hears the same rows of two weights, float32 [count, in] both. */
  @FunctionalInterface
  public interface Comparison {
    /** Takes one tile; the tensors are only good until it returns. */
    void rows(Tensor expected, Tensor merged);
  }

  /**
   * Tells how the map of {@code other} would be if its adapter, where it has one, was merged into
   * that weight instead, tile by tile beside what it is.
   *
   * @param other another weight under the name of a map of the model, in its shape
   */
  public void compare(DenseLinear other, Comparison comparison) {
    Tensor merged = merged(other.name() + ".weight").value();
    Optional<Mergeable> module =
        adapter.mergeable().stream().filter(m -> m.name().equals(other.name())).findFirst();
    if (module.isEmpty()) {
      compare(merged, other::readRows, comparison);
      return;
    }
    try (Mergeable.Rows moved = module.get().over(other)) {
      compare(merged, moved::read, comparison);
    }
  }

  private Parameter merged(String name) {
    return parameters().stream()
        .filter(parameter -> parameter.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no merged weight " + name));
  }

  private static void compare(Tensor merged, Rows expected, Comparison comparison) {
    inTiles(
        merged,
        (from, tile) -> {
          try (Tensor rows = tile.emptyLike()) {
            expected.read(from, rows);
            comparison.rows(rows, tile);
          }
        });
  }

  @Override
  public void close() {
    added.forEach(Parameter::close);
    added.clear();
  }
}
