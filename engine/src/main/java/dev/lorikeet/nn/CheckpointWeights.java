package dev.lorikeet.nn;

import dev.lorikeet.config.ModelSettings.Dtype;
import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.util.Arrays;
import java.util.List;

/** Weights of a checkpoint; on the shape-only device nothing but their types is read. */
public final class CheckpointWeights implements Weights {
  /** From here on a number rounds to infinity in float16. */
  private static final float FLOAT16_OVERFLOW = 65520f;

  private final HfCheckpoint checkpoint;
  private final Dtype dtype;
  private final Device device;
  private final Training training;

  /** Weights in float32, whatever they are stored in. */
  public CheckpointWeights(HfCheckpoint checkpoint, Device device, Training training) {
    this(checkpoint, Dtype.FLOAT32, device, training);
  }

  /**
   * The checkpoint stays with the caller and must be open while a model is built.
   *
   * @param dtype what the weights are held in
   */
  public CheckpointWeights(HfCheckpoint checkpoint, Dtype dtype, Device device, Training training) {
    this.checkpoint = checkpoint;
    this.dtype = dtype;
    this.device = device;
    this.training = training;
  }

  @Override
  public Parameter parameter(String name, String impliedBy, long... shape) {
    Tensor value = device.empty(held(name), shape);
    if (device.holdsValues()) {
      try {
        read(name, impliedBy, value);
      } catch (RuntimeException failure) {
        value.close();
        throw failure;
      }
    }
    return new Parameter(name, value, training);
  }

  private DType held(String name) {
    return switch (dtype) {
      case FLOAT32 -> DType.FLOAT32;
      case BFLOAT16 -> DType.BFLOAT16;
      case FLOAT16 -> DType.FLOAT16;
      case AUTO -> checkpoint.contains(name) ? asStored(name) : DType.FLOAT32;
    };
  }

  private DType asStored(String name) {
    return switch (checkpoint.entry(name).type()) {
      case BF16 -> DType.BFLOAT16;
      case F16 -> DType.FLOAT16;
      case F64, F32, I64, I32, I16, I8, U8, BOOL -> DType.FLOAT32;
    };
  }

  private void read(String name, String impliedBy, Tensor value) {
    List<Long> shape = Arrays.stream(value.shape()).boxed().toList();
    checkpoint.requireFits(name, shape, impliedBy);
    StoredType stored = checkpoint.entry(name).type();
    if (value.dtype() == DType.FLOAT32) {
      readFloats(name, shape, impliedBy, value);
    } else if (stored.isFloat() && value.dtype() == asStored(name)) {
      value.fill(elements -> checkpoint.readBytes(name, elements));
    } else {
      round(name, shape, impliedBy, value);
    }
  }

  private void readFloats(String name, List<Long> shape, String impliedBy, Tensor value) {
    value.fill(floats -> checkpoint.readFloats(name, shape, impliedBy, floats));
  }

  private void round(String name, List<Long> shape, String impliedBy, Tensor value) {
    try (Tensor floats = device.floats(value.shape())) {
      readFloats(name, shape, impliedBy, floats);
      if (value.dtype() == DType.FLOAT16) {
        requireInRange(name, floats);
      }
      value.roundFrom(floats);
    }
  }

  private void requireInRange(String name, Tensor floats) {
    for (float number : floats.toFloats()) {
      if (Float.isFinite(number) && Math.abs(number) >= FLOAT16_OVERFLOW) {
        throw new FormatException(
            checkpoint.fileOf(name),
            name,
            "holds %s, which is more than float16 can hold; set model.dtype to auto, bfloat16 or float32."
                .formatted(number));
      }
    }
  }

  @Override
  public boolean contains(String name) {
    return checkpoint.contains(name);
  }
}
