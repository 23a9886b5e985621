package dev.lorikeet.adapter;

import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Parameter;

/** Weights whose matrices differ from their source in the element of index 5. */
record OtherWeights(Weights source) implements Weights {

  @Override
  public Parameter parameter(String name, String impliedBy, long... shape) {
    Parameter parameter = source.parameter(name, impliedBy, shape);
    float[] values = parameter.value().toFloats();
    values[5] += 0.5f;
    parameter.value().copyFrom(values);
    return parameter;
  }

  @Override
  public boolean contains(String name) {
    return source.contains(name);
  }
}
