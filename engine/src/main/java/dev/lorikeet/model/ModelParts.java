package dev.lorikeet.model;

import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.Embedding;
import dev.lorikeet.nn.LayerNorm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.RmsNorm;
import dev.lorikeet.nn.Rope;
import dev.lorikeet.nn.TokenEmbedding;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What a model is put together from. Loads layers by their names, asks the wrapper for every map,
 * and owns all that was loaded.
 */
public final class ModelParts implements AutoCloseable {
  private final Weights weights;
  private final Device device;
  private final int positions;
  private final Linear.Wrapper wrapper;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<Parameter> owned = new ArrayList<>();
  private final List<BaseLinear> maps = new ArrayList<>();
  private final List<Rope> ropes = new ArrayList<>();
  private final List<Tensor> constants = new ArrayList<>();

  /**
   * Parts from {@code weights}.
   *
   * @param positions tokens that a sequence may have, at most the context length
   * @param wrapper what stands in for linear maps and the embedding
   */
  public ModelParts(Weights weights, Device device, int positions, Linear.Wrapper wrapper) {
    this.weights = weights;
    this.device = device;
    this.positions = positions;
    this.wrapper = wrapper;
  }

  /** Whether the weights have one of this name. */
  boolean has(String name) {
    return weights.contains(name);
  }

  /** A weight of its own. */
  Parameter parameter(String name, String impliedBy, long... shape) {
    Parameter parameter = weights.parameter(name, impliedBy, shape);
    parameters.add(parameter);
    owned.add(parameter);
    return parameter;
  }

  /** The embedding of tokens over {@code table}. */
  Embedding embedding(String name, Parameter table) {
    return wrapper.wrap(new TokenEmbedding(name, table));
  }

  /** A linear map of a block. */
  Linear linear(String name, int in, int out, Bias bias, String impliedBy) {
    BaseLinear map = weights.linear(name, new DenseLinear.Shape(in, out), bias, impliedBy);
    parameters.addAll(map.parameters());
    maps.add(map);
    return wrapper.wrap(map);
  }

  /** An output head with weights of its own. */
  Linear head(String name, int in, int out, Bias bias, String impliedBy) {
    Parameter weight = parameter(name + ".weight", impliedBy, out, in);
    return wrapper.wrap(new DenseLinear(name, weight, headBias(name, out, bias, impliedBy)));
  }

  /** An output head that shares the rows of the embedding, as the config says. */
  Linear tiedHead(String name, Parameter table, Bias bias, String impliedBy) {
    Parameter weight = weights.shared(table, name + ".weight");
    if (weight != table) {
      parameters.add(weight);
      owned.add(weight);
    }
    int out = Math.toIntExact(table.value().size(0));
    return wrapper.wrap(new DenseLinear(name, weight, headBias(name, out, bias, impliedBy)));
  }

  private Optional<Parameter> headBias(String name, int out, Bias bias, String impliedBy) {
    return bias == Bias.YES
        ? Optional.of(parameter(name + ".bias", impliedBy, out))
        : Optional.empty();
  }

  /** A root mean square norm whose factors are its weight. */
  RmsNorm rmsNorm(String name, int width, double eps, String impliedBy) {
    return new RmsNorm(parameter(name + ".weight", impliedBy, width), eps);
  }

  /** A root mean square norm whose factors are 1 + its weight. */
  RmsNorm rmsNormAroundOne(String name, int width, double eps, String impliedBy) {
    Parameter weight = parameter(name + ".weight", impliedBy, width);
    return new RmsNorm(weight, Optional.of(ones(width)), eps);
  }

  private Tensor ones(int width) {
    for (Tensor known : constants) {
      if (known.elements() == width) {
        return known;
      }
    }
    Tensor ones = device.floats(width);
    constants.add(ones);
    if (device.holdsValues()) {
      float[] values = new float[width];
      Arrays.fill(values, 1f);
      ones.copyFrom(values);
    }
    return ones;
  }

  /** A layer norm. */
  LayerNorm layerNorm(String name, int width, double eps, Bias bias, String impliedBy) {
    Parameter weight = parameter(name + ".weight", impliedBy, width);
    return new LayerNorm(weight, headBias(name, width, bias, impliedBy), eps);
  }

  /** Rotary positions on the first {@code rotary} columns of every head. */
  Rope rope(RopeScaling scaling, int headDim, int rotary) {
    Rope rope = scaling.rope(device, headDim, rotary, positions);
    ropes.add(rope);
    return rope;
  }

  /** Whether all positions keep their keys, see {@link Rope#keepsKeys}. */
  boolean keepsKeys(int from, int to) {
    return ropes.stream().allMatch(rope -> rope.keepsKeys(from, to));
  }

  /** All weights that are plain tensors, in the order they were asked for. */
  List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  /** Numbers that all weights stand for. */
  long parameterCount() {
    return owned.stream().mapToLong(parameter -> parameter.value().elements()).sum()
        + maps.stream().mapToLong(BaseLinear::parameterCount).sum();
  }

  /** Bytes of all weights on the device. */
  long weightBytes() {
    return owned.stream().mapToLong(parameter -> parameter.value().bytes()).sum()
        + maps.stream().mapToLong(BaseLinear::weightBytes).sum();
  }

  /** The maps that are held in another form than plain tensors. */
  List<BaseLinear> quantisedMaps() {
    return maps.stream().filter(map -> !(map instanceof DenseLinear)).toList();
  }

  @Override
  public void close() {
    owned.forEach(Parameter::close);
    maps.forEach(BaseLinear::close);
    ropes.forEach(Rope::close);
    constants.forEach(Tensor::close);
    owned.clear();
    maps.clear();
    ropes.clear();
    constants.clear();
    parameters.clear();
  }
}
