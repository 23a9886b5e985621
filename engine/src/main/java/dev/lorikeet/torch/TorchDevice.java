package dev.lorikeet.torch;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Memory and matrix products of libtorch, in a place of libtorch's: a GPU, or the host itself. The
 * host never reads or writes elements where they lie, in neither place: they are copied to and fro,
 * and what computes with them are libtorch's operations and a GPU's kernels.
 */
public final class TorchDevice extends Device {
  private static final String CUDA_NATIVES =
      "/org/bytedeco/pytorch/linux-x86_64-gpu/libjnitorch_cuda.so";
  private static final Path FIRST_GPU = Path.of("/dev/nvidia0");

  /** Uploads of at most so many bytes are staged: everything of a batch, and no large weight. */
  private static final long MOST_STAGED_BYTES = 4L << 20;

  private final String name;
  private final String place;
  private final Optional<KernelLauncher> launcher;
  private final DType compute;
  private final Map<Long, org.bytedeco.pytorch.Tensor> blocks = new HashMap<>();
  private Optional<Device> host = Optional.empty();
  private long downloads;
  private long waits;

  /** Whether this build has libtorch for CUDA and the system shows a GPU; loads nothing. */
  public static boolean isCudaLikely() {
    return isInThisBuild() && Files.exists(FIRST_GPU);
  }

  private static boolean isInThisBuild() {
    return TorchDevice.class.getResource(CUDA_NATIVES) != null;
  }

  private TorchDevice(String name, String place, Optional<KernelLauncher> launcher, DType compute) {
    if (compute != DType.FLOAT32 && !compute.isHalf()) {
      throw new IllegalStateException(name + " has no products of " + compute);
    }
    this.name = name;
    this.place = place;
    this.launcher = launcher;
    this.compute = compute;
  }

  /**
   * A GPU.
   *
   * @param gpu which one, from 0
   * @param launcher starts Lorikeet's own kernels on it; closed with the device
   * @param compute what products read their operands in: float32, or two bytes that the GPU has
   *     products of
   * @throws ConfigException if this build has no libtorch for CUDA, or there is no such GPU
   */
  public static TorchDevice cuda(int gpu, KernelLauncher launcher, DType compute) {
    requireCuda(gpu);
    String place = "cuda:" + gpu;
    return new TorchDevice(place, place, Optional.of(launcher), compute);
  }

  /**
   * The host as libtorch sees it, treated as if it were a GPU: what trains here needs of a GPU
   * nothing but that libtorch's operations and the kernels work on it.
   *
   * @param launcher starts kernels on host memory, if there is one; closed with the device
   */
  public static TorchDevice standIn(Optional<KernelLauncher> launcher) {
    return standIn(launcher, DType.FLOAT32);
  }

  /** The same, with products that read their operands in {@code compute}. */
  public static TorchDevice standIn(Optional<KernelLauncher> launcher, DType compute) {
    LibTorch.load();
    return new TorchDevice("torch", LibTorch.HOST, launcher, compute);
  }

  /**
   * Refuses a GPU that libtorch cannot use.
   *
   * @param gpu which one, from 0
   * @throws ConfigException if this build has no libtorch for CUDA, or there is no such GPU
   */
  public static void requireCuda(int gpu) {
    if (!isInThisBuild()) {
      throw new ConfigException(
          "device: cuda needs libtorch for CUDA, which is not in this build; run lorikeet doctor, which tells how to get it, or set device: cpu");
    }
    try {
      LibTorch.load();
      if (!torch.hasCUDA()) {
        // libtorch's Java side is not linked against its CUDA side, which must be loaded by name.
        Loader.load(Class.forName("org.bytedeco.pytorch.global.torch_cuda"));
      }
    } catch (ClassNotFoundException | LinkageError missing) {
      throw new ConfigException(
          "device: cuda needs libtorch for CUDA, which does not load on this machine (%s); run lorikeet doctor, which tells what is missing, or set device: cpu"
              .formatted(missing));
    }
    int count = torch.cuda_is_available() ? torch.cuda_device_count() : 0;
    if (gpu >= count) {
      throw new ConfigException(
          "device: cuda:%d needs %d NVIDIA GPUs, and libtorch finds %d; run lorikeet doctor, or set device: cpu"
              .formatted(gpu, gpu + 1, count));
    }
  }

  /** libtorch's name of where the memory is. */
  String place() {
    return place;
  }

  /** Whether libtorch computes on a GPU here. */
  public boolean isGpu() {
    return !place.equals(LibTorch.HOST);
  }

  /** What starts Lorikeet's own kernels on this memory, if anything does. */
  public Optional<KernelLauncher> launcher() {
    return launcher;
  }

  /** How often numbers were copied to the host, each time waiting for all work before. */
  public long downloads() {
    return downloads;
  }

  /** Counts numbers that are copied to the host. */
  public void downloaded() {
    downloads++;
    waits++;
  }

  /** How often the host waited for work that it had begun: downloads, and uploads of weights. */
  public long waits() {
    return waits;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean hasHostMemory() {
    return false;
  }

  @Override
  public boolean holdsValues() {
    return true;
  }

  @Override
  public DType computeFormat() {
    return compute;
  }

  @Override
  public Device host() {
    if (host.isEmpty()) {
      host = Optional.of(Device.cpu(Runtime.getRuntime().availableProcessors()));
    }
    return host.get();
  }

  @Override
  public int threads() {
    return 1;
  }

  @Override
  public void forRange(int count, int grain, RangeTask task) {
    task.run(0, count);
  }

  @Override
  public long availableBytes() {
    return launcher.map(KernelLauncher::freeBytes).orElseGet(super::availableBytes);
  }

  @Override
  public PeakMemory peakMemory() {
    return isGpu() ? CudaMemory.of(place) : super.peakMemory();
  }

  @Override
  public void finish() {
    try (Tensor nothing = zeros(1)) {
      readFloats(nothing);
    }
  }

  @Override
  public RuntimeException explained(RuntimeException failure) {
    boolean memory = String.valueOf(failure.getMessage()).contains("out of memory");
    return memory && !(failure instanceof RunException)
        ? new RunException(
            "%s ran out of memory with %d bytes of tensors: %s; lower train.micro_batch or data.max_seq_len, or set train.recompute"
                .formatted(this, memory().currentBytes(), firstLine(failure)),
            failure)
        : failure;
  }

  private LibTorch session() {
    return LibTorch.open(Precision.FLOAT32, Gradients.OFF, this);
  }

  @Override
  void multiply(
      Transpose transposeA,
      Transpose transposeB,
      float alpha,
      Tensor a,
      Tensor b,
      float beta,
      Tensor c) {
    if (c.elements() == 0) {
      return;
    }
    try (LibTorch session = session()) {
      org.bytedeco.pytorch.Tensor left = operand(session.memory(a));
      org.bytedeco.pytorch.Tensor right = operand(session.memory(b));
      multiply(
          session.memory(c),
          transposeA == Transpose.YES ? left.t() : left,
          transposeB == Transpose.YES ? right.t() : right,
          new Scalar((double) beta),
          new Scalar((double) alpha));
    }
  }

  /** C = alpha · A · B + beta · C, where libtorch adds up in float32. */
  private void multiply(
      org.bytedeco.pytorch.Tensor c,
      org.bytedeco.pytorch.Tensor a,
      org.bytedeco.pytorch.Tensor b,
      Scalar beta,
      Scalar alpha) {
    if (compute.isHalf() && isGpu()) {
      torch.addmm_out(c, c, a, b, ScalarType.Float, beta, alpha);
    } else {
      c.addmm_(a, b, beta, alpha);
    }
  }

  /**
   * A matrix as products read it: rounded to the compute format, itself if it is held in that. The
   * host has no products of two bytes that add up in float32, so there it becomes float32 again.
   */
  private org.bytedeco.pytorch.Tensor operand(org.bytedeco.pytorch.Tensor matrix) {
    org.bytedeco.pytorch.Tensor rounded = matrix.to(LibTorch.type(compute));
    return isGpu() ? rounded : rounded.to(ScalarType.Float);
  }

  @Override
  void multiplyHalf(Transpose transposeB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    multiply(Transpose.NO, transposeB, alpha, a, b, beta, c);
  }

  @Override
  long allocate(long bytes) {
    try (LibTorch _ = session()) {
      TensorOptions options =
          new TensorOptions(ScalarType.Byte)
              .device(new DeviceOptional(new org.bytedeco.pytorch.Device(place)));
      // An empty block would have no address of its own.
      long[] shape = {Math.max(1, bytes)};
      org.bytedeco.pytorch.Tensor block = torch.empty(shape, options, new MemoryFormatOptional());
      long address = block.data_ptr().address();
      // The session would free it, and so would the garbage collector.
      block.retainReference();
      blocks.put(address, block);
      return address;
    } catch (RuntimeException failure) {
      throw new RunException(
          "allocating %d bytes on %s, where %d are in use: %s; lower train.micro_batch or data.max_seq_len"
              .formatted(bytes, this, memory().currentBytes(), firstLine(failure)),
          failure);
    }
  }

  private static String firstLine(RuntimeException failure) {
    return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
  }

  @Override
  void release(long address, long bytes) {
    org.bytedeco.pytorch.Tensor block = blocks.remove(address);
    if (block == null) {
      throw new IllegalStateException("no block of " + this + " begins at " + address);
    }
    block.releaseReference();
  }

  @Override
  float[] readFloats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(ValueLayout.JAVA_FLOAT, values.length);
      download(tensor, 0, copy);
      MemorySegment.copy(copy, ValueLayout.JAVA_FLOAT, 0, values, 0, values.length);
    }
    return values;
  }

  @Override
  void upload(MemorySegment elements, Tensor target) {
    if (elements.byteSize() == 0) {
      return;
    }
    try (LibTorch torch = session()) {
      org.bytedeco.pytorch.Tensor memory = torch.bytes(target.address(), elements.byteSize());
      if (elements.byteSize() <= MOST_STAGED_BYTES) {
        memory.copy_(staged(elements), true);
        return;
      }
      waits++;
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment nativeElements =
            elements.isNative()
                ? elements
                : arena.allocate(elements.byteSize(), Long.BYTES).copyFrom(elements);
        memory.copy_(LibTorch.hostBytes(nativeElements), false);
      }
    }
  }

  /**
   * A copy of {@code elements} in a block of the host that a GPU reads by itself, in its turn,
   * while the host goes on. libtorch keeps pinned blocks for reuse, and {@code copy_} leaves an
   * event with the one that it reads, before which the block is not given out again: it may be
   * freed at once.
   */
  private org.bytedeco.pytorch.Tensor staged(MemorySegment elements) {
    org.bytedeco.pytorch.Tensor block =
        torch.empty(
            new long[] {elements.byteSize()},
            new TensorOptions(ScalarType.Byte).pinned_memory(new BoolOptional(isGpu())),
            new MemoryFormatOptional());
    MemorySegment.ofAddress(block.data_ptr().address())
        .reinterpret(elements.byteSize())
        .copyFrom(elements);
    return block;
  }

  @Override
  void download(Tensor source, long firstByte, MemorySegment into) {
    downloaded();
    if (into.byteSize() == 0) {
      return;
    }
    try (LibTorch torch = session();
        Arena arena = Arena.ofConfined()) {
      MemorySegment copy = into.isNative() ? into : arena.allocate(into.byteSize(), Long.BYTES);
      LibTorch.hostBytes(copy).copy_(torch.bytes(source.address() + firstByte, into.byteSize()));
      if (!into.isNative()) {
        into.copyFrom(copy);
      }
    }
  }

  @Override
  void copy(Tensor source, Tensor target) {
    convert(source, target);
  }

  @Override
  void convert(Tensor source, Tensor target) {
    try (LibTorch torch = session()) {
      torch.memory(target).copy_(torch.memory(source));
    }
  }

  @Override
  void zero(Tensor target) {
    try (LibTorch torch = session()) {
      torch.memory(target).zero_();
    }
  }

  /** Blocks that are still held. */
  public int blocks() {
    return blocks.size();
  }

  @Override
  public void close() {
    host.ifPresent(Device::close);
    launcher.ifPresent(KernelLauncher::close);
  }
}
