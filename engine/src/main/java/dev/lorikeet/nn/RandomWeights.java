package dev.lorikeet.nn;

import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;

/**
 * Weights of an untrained model: matrices normal with a standard deviation, vectors one (norms) or
 * zero (biases). Every weight has a stream of its own, so the order of loading does not matter.
 */
public final class RandomWeights implements Weights {
  private final Device device;
  private final Rng rng;
  private final double deviation;
  private final Training training;

  public RandomWeights(Device device, long seed, double deviation, Training training) {
    this.device = device;
    rng = new Rng(seed).split("weights");
    this.deviation = deviation;
    this.training = training;
  }

  @Override
  public Parameter parameter(String name, String impliedBy, long... shape) {
    Tensor value = device.floats(shape);
    if (device.holdsValues()) {
      value.copyFrom(start(name, shape));
    }
    return new Parameter(name, value, training);
  }

  @Override
  public boolean contains(String name) {
    return true;
  }

  private float[] start(String name, long[] shape) {
    long count = 1;
    for (long length : shape) {
      count *= length;
    }
    float[] values = new float[Math.toIntExact(count)];
    Rng stream = rng.split(name);
    for (int i = 0; i < values.length; i++) {
      if (shape.length > 1) {
        values[i] = (float) (deviation * stream.gaussian(i));
      } else {
        values[i] = name.endsWith(".bias") ? 0f : 1f;
      }
    }
    return values;
  }
}
