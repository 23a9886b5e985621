package dev.lorikeet.torch;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A session with libtorch: plain operations on values that see a device's memory without a copy,
 * with libtorch's own differentiation where it is asked for. It is what fused kernels and
 * hand-written backwards are compared with, and what computes on devices without own kernels.
 *
 * <p>Everything made in a session is freed when the session is closed. A session belongs to the
 * thread that opened it; sessions of one thread are closed in reverse order. The first one loads
 * libtorch (two seconds, 200 MB), and nothing else does.
 */
public final class LibTorch implements AutoCloseable {
  /** libtorch's name of host memory. */
  static final String HOST = "cpu";

  /** Element type in which a session computes; float32 tensors are converted on the way in. */
  public enum Precision {
    FLOAT32,
    FLOAT64
  }

  /** Whether libtorch records operations to differentiate them. */
  public enum Gradients {
    OFF,
    ON
  }

  private final ScalarType elementType;
  private final PointerScope scope;
  private final AutoGradMode gradientMode;
  private final DeviceOptional place;
  private boolean closed;

  private LibTorch(Precision precision, Gradients gradients, String place) {
    Library.load();
    elementType = precision == Precision.FLOAT64 ? ScalarType.Double : ScalarType.Float;
    scope = new PointerScope();
    gradientMode = new AutoGradMode(gradients == Gradients.ON);
    this.place = new DeviceOptional(new org.bytedeco.pytorch.Device(place));
  }

  /** Opens a session on host memory, loading libtorch if this is the first. */
  public static LibTorch open(Precision precision, Gradients gradients) {
    return new LibTorch(precision, gradients, HOST);
  }

  /** Opens a session where {@code device} has its memory. */
  public static LibTorch open(Precision precision, Gradients gradients, Device device) {
    return new LibTorch(
        precision, gradients, device instanceof TorchDevice torch ? torch.place() : HOST);
  }

  /** Loads libtorch, unless it is there. */
  static void load() {
    Library.load();
  }

  /**
   * Loads OpenBLAS as Lorikeet wants it, then libtorch, which shares it. One thread: inside
   * libtorch's own loops OpenBLAS' threads are 16 to 150 times slower, and results would depend on
   * the machine.
   */
  private static final class Library {
    static {
      new Blas();
      Loader.load(torch.class);
      torch.set_num_threads(1);
    }

    static void load() {
      // Touching the class runs its initialiser, once.
    }
  }

  /** {@code tensor} as a constant: numbers in the session's precision, whole ones as int64. */
  public TorchValue view(Tensor tensor) {
    org.bytedeco.pytorch.Tensor memory = memory(tensor);
    boolean real = tensor.dtype() == DType.FLOAT32 || tensor.dtype().isHalf();
    ScalarType type = real ? elementType : ScalarType.Long;
    return new TorchValue(this, memory.to(type));
  }

  /** A copy of {@code tensor} whose gradient {@link TorchValue#gradient()} gives afterwards. */
  public TorchValue leaf(Tensor tensor) {
    org.bytedeco.pytorch.Tensor copy = memory(tensor).to(elementType).detach().clone();
    return new TorchValue(this, copy.set_requires_grad(true));
  }

  /** 0, 1, … {@code count − 1}. */
  public TorchValue range(long count) {
    org.bytedeco.pytorch.Scalar end = new org.bytedeco.pytorch.Scalar((double) count);
    TensorOptions options = new TensorOptions(elementType).device(place);
    return new TorchValue(this, torch.arange(end, options));
  }

  /** The values one behind the other along {@code dim}. */
  public TorchValue cat(int dim, TorchValue... values) {
    org.bytedeco.pytorch.Tensor[] tensors =
        Arrays.stream(values).map(TorchValue::tensor).toArray(org.bytedeco.pytorch.Tensor[]::new);
    return new TorchValue(this, torch.cat(new TensorVector(tensors), dim));
  }

  /** libtorch's name of an element type. */
  static ScalarType type(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> ScalarType.Float;
      case BFLOAT16 -> ScalarType.BFloat16;
      case FLOAT16 -> ScalarType.Half;
      case INT32 -> ScalarType.Int;
      case INT8 -> ScalarType.Char;
      case UINT8 -> ScalarType.Byte;
    };
  }

  ScalarType elementType() {
    return elementType;
  }

  /** libtorch's view of a tensor's memory; valid as long as {@code tensor}. */
  org.bytedeco.pytorch.Tensor memory(Tensor tensor) {
    if (closed) {
      throw new IllegalStateException("the libtorch session is closed");
    }
    TensorOptions options = new TensorOptions(type(tensor.dtype())).device(place);
    return torch.from_blob(new Address(tensor.address()), tensor.shape(), options);
  }

  /** libtorch's view of bytes in the memory of the session's place. */
  org.bytedeco.pytorch.Tensor bytes(long address, long count) {
    TensorOptions options = new TensorOptions(ScalarType.Byte).device(place);
    return torch.from_blob(new Address(address), new long[] {count}, options);
  }

  /** libtorch's view of native memory of the host. */
  static org.bytedeco.pytorch.Tensor hostBytes(MemorySegment memory) {
    return torch.from_blob(
        new Address(memory.address()),
        new long[] {memory.byteSize()},
        new TensorOptions(ScalarType.Byte));
  }

  /** A native address that nobody here owns. */
  private static final class Address extends Pointer {
    Address(long value) {
      address = value;
    }
  }

  @Override
  public void close() {
    if (closed) {
      throw new IllegalStateException("the libtorch session is closed already");
    }
    closed = true;
    gradientMode.close();
    scope.close();
  }
}
