package dev.lorikeet.kernel;

import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.HeldMatrix;
import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchDevice;
import java.util.List;
import java.util.Optional;

/**
 * A frozen matrix W [rows, columns] in memory that the host does not see. The device's own kernels
 * read it where they start, and libtorch's operations otherwise. A form without a product of its
 * own becomes float32 as a whole for each product. The tensors stay with the caller.
 */
public abstract sealed class DeviceMatrix implements HeldMatrix
    permits DenseMatrix, FourBitMatrix, ByteMatrix {
  private final Place place;
  private final int rows;
  private final int columns;

  /**
   * Where a matrix lies.
   *
   * @param launcher starts kernels there, if anything does
   */
  record Place(Device device, Optional<KernelLauncher> launcher) {

    static Place of(Tensor tensor) {
      return new Place(
          tensor.device(),
          tensor.device() instanceof TorchDevice torch ? torch.launcher() : Optional.empty());
    }
  }

  DeviceMatrix(Place place, int rows, int columns) {
    this.place = place;
    this.rows = rows;
    this.columns = columns;
  }

  /** A matrix that {@code weight} [rows, columns] holds as float32, bfloat16 or float16. */
  public static DeviceMatrix of(Tensor weight) {
    return new DenseMatrix(Place.of(weight), weight);
  }

  /** A matrix in NF4 or FP4. */
  public static DeviceMatrix of(CudaFourBit.Weight weight) {
    return new FourBitMatrix(Place.of(weight.codes()), weight);
  }

  /**
   * A matrix in signed bytes with a scale for every row: w = code · scale / 127.
   *
   * @param codes int8 [rows·columns]
   * @param scales float32 [rows]
   */
  public static DeviceMatrix of(Tensor codes, Tensor scales) {
    return new ByteMatrix(Place.of(codes), codes, scales);
  }

  final Device device() {
    return place.device;
  }

  final Optional<KernelLauncher> launcher() {
    return place.launcher;
  }

  @Override
  public final int rows() {
    return rows;
  }

  @Override
  public final int columns() {
    return columns;
  }

  @Override
  public void timesTransposed(float alpha, Tensor x, float beta, Tensor y) {
    try (Tensor floats = floats()) {
      device().gemm(Transpose.NO, Transpose.YES, alpha, x, floats, beta, y);
    }
  }

  @Override
  public void times(float alpha, Tensor y, float beta, Tensor x) {
    try (Tensor floats = floats()) {
      device().gemm(Transpose.NO, Transpose.NO, alpha, y, floats, beta, x);
    }
  }

  /** The matrix as products take it; the caller closes it. */
  Tensor floats() {
    Tensor floats = device().floats(rows, columns);
    try {
      readRows(0, floats);
      return floats;
    } catch (RuntimeException failure) {
      floats.close();
      throw failure;
    }
  }

  /** How kernels that read single elements are called for this form. */
  abstract String form();

  /** What they are given of it, in order. */
  abstract List<KernelArgument> arguments();
}
