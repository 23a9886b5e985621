package dev.lorikeet.nn;

import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;

/**
 * Weights that are shapes: whatever a model asks for is there, in float32.
 *
 * @param device one without values
 */
public record ShapeWeights(Device device) implements Weights {
  @Override
  public Parameter parameter(String name, String impliedBy, long... shape) {
    return new Parameter(name, device.floats(shape), Training.FROZEN);
  }

  @Override
  public boolean contains(String name) {
    return true;
  }
}
