package dev.lorikeet.nn;

import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.Arrays;
import java.util.List;

/** Weights of a checkpoint, as float32; on the shape-only device nothing is read. */
public final class CheckpointWeights implements Weights {
  private final HfCheckpoint checkpoint;
  private final Device device;
  private final Training training;

  /** The checkpoint stays with the caller and must be open while a model is built. */
  public CheckpointWeights(HfCheckpoint checkpoint, Device device, Training training) {
    this.checkpoint = checkpoint;
    this.device = device;
    this.training = training;
  }

  @Override
  public Parameter parameter(String name, String impliedBy, long... shape) {
    Tensor value = device.floats(shape);
    if (device.hasHostMemory()) {
      List<Long> expected = Arrays.stream(shape).boxed().toList();
      try {
        checkpoint.readFloats(name, expected, impliedBy, value.segment());
      } catch (RuntimeException failure) {
        value.close();
        throw failure;
      }
    }
    return new Parameter(name, value, training);
  }

  @Override
  public boolean contains(String name) {
    return checkpoint.contains(name);
  }
}
