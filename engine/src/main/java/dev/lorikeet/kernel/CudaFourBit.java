package dev.lorikeet.kernel;

import static dev.lorikeet.torch.KernelArgument.arg;

import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.KernelLauncher.Grid;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.Optional;

/**
 * A frozen weight W [rows, columns] in NF4 or FP4 on a GPU: its numbers, and its products without
 * them ever lying in memory. The layout of codes and scales is that of {@link FourBitKernel}. The
 * tensors stay with the caller.
 */
public final class CudaFourBit {
  private static final int CODES = 16;
  private static final int NESTED_CODES = 256;

  /**
   * The struct FourBit of four_bit.cuh: three pointers, four ints, a float, two tables, padding.
   */
  private static final int STRUCT_BYTES = 3 * 8 + 4 * 4 + 4 + 4 * (CODES + NESTED_CODES) + 4;

  private static final int THREADS = 256;
  private static final int TENSOR_CORE_THREADS = 128;
  private static final int WARPS = 4;

  /** Side of the tile of a result that one block makes: TILE in four_bit_product.cu. */
  private static final int TILE = 64;

  /** With so many rows of x at most, each is multiplied as W is read. */
  static final int FEW_ROWS = 8;

  private final KernelLauncher launcher;
  private final int rows;
  private final int columns;
  private final KernelArgument weight;

  /** What both factors of a product are rounded to; sums are float32. */
  public enum Factors {
    /** Not rounded; any GPU. */
    FLOAT32,
    /** On tensor cores from compute capability 8.0 on. */
    BFLOAT16,
    /** On tensor cores from compute capability 7.5 on; numbers beyond 65504 become infinite. */
    FLOAT16;

    String suffix() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A quantised matrix.
   *
   * @param rows outputs
   * @param columns inputs
   * @param blockSize elements that share a scale, a power of two of at least 32
   * @param codes uint8 [⌈rows·columns/2⌉]
   * @param scales float32 [blocks], or uint8 [blocks] with {@code nested}
   * @param map what the 16 codes stand for
   */
  @SuppressWarnings("ArrayRecordComponent") // only carries it, is never compared
  public record Weight(
      int rows,
      int columns,
      int blockSize,
      Tensor codes,
      Tensor scales,
      float[] map,
      Optional<NestedScales> nested) {}

  /**
   * What scales that are quantised themselves stand for: map[byte] · absmax + offset.
   *
   * @param absmax float32, one for every {@code blockSize} blocks
   * @param map what the 256 bytes stand for
   * @param blockSize blocks that share one, a power of two
   */
  @SuppressWarnings("ArrayRecordComponent") // only carries it, is never compared
  public record NestedScales(Tensor absmax, float[] map, int blockSize, float offset) {}

  /** Kernels for {@code weight}; the launcher stays with the caller. */
  public CudaFourBit(KernelLauncher launcher, Weight weight) {
    requirePowerOfTwo(weight.blockSize, 32);
    weight.nested.ifPresent(nested -> requirePowerOfTwo(nested.blockSize, 1));
    this.launcher = launcher;
    rows = weight.rows;
    columns = weight.columns;
    this.weight = struct(weight);
  }

  /** The matrix as kernels take it. */
  KernelArgument argument() {
    return weight;
  }

  private static void requirePowerOfTwo(int size, int least) {
    if (size < least || Integer.bitCount(size) != 1) {
      throw new IllegalStateException("blocks of " + size);
    }
  }

  private static KernelArgument struct(Weight weight) {
    ByteBuffer bytes = ByteBuffer.allocate(STRUCT_BYTES).order(ByteOrder.nativeOrder());
    Optional<NestedScales> nested = weight.nested;
    bytes.putLong(weight.codes.address());
    bytes.putLong(weight.scales.address());
    bytes.putLong(nested.map(scales -> scales.absmax.address()).orElse(0L));
    bytes.putInt(weight.rows);
    bytes.putInt(weight.columns);
    bytes.putInt(Integer.numberOfTrailingZeros(weight.blockSize));
    bytes.putInt(Integer.numberOfTrailingZeros(nested.map(NestedScales::blockSize).orElse(1)));
    bytes.putFloat(nested.map(NestedScales::offset).orElse(0f));
    for (int code = 0; code < CODES; code++) {
      bytes.putFloat(weight.map[code]);
    }
    for (int code = 0; code < NESTED_CODES; code++) {
      bytes.putFloat(nested.isPresent() ? nested.get().map[code] : 0f);
    }
    return new KernelArgument.Struct(MemorySegment.ofArray(bytes.array()));
  }

  /**
   * Writes rows from {@code first} on.
   *
   * @param out [count, columns], float32, bfloat16 or float16
   */
  public void dequantize(int first, Tensor out) {
    out.requireShape(out.size(0), columns);
    long words = Math.ceilDiv(out.elements(), 8) + 1;
    new CudaGrids(launcher)
        .elements(
            "dequantize_4bit_" + out.dtype().name().toLowerCase(Locale.ROOT),
            words,
            weight,
            arg(out),
            arg((long) first * columns),
            arg(out.elements()));
  }

  /** y = alpha · x·Wᵀ + beta · y; float32 x [T, columns], y [T, rows]. */
  public void timesTransposed(float alpha, Tensor x, float beta, Tensor y, Factors factors) {
    int height = height(x, y);
    if (height == 0) {
      return;
    }
    if (height > FEW_ROWS) {
      multiply("four_bit_transposed_", rows, height, x, y, alpha, beta, factors);
      return;
    }
    int most = height == 1 ? 1 : height <= 4 ? 4 : FEW_ROWS;
    launcher.launch(
        "four_bit_rows_" + most,
        Grid.of(Math.ceilDiv(rows, WARPS), 32 * WARPS),
        weight,
        arg(x),
        arg(y),
        arg(height),
        arg(alpha),
        arg(beta));
  }

  /** x = alpha · y·W + beta · x; float32 y [T, rows], x [T, columns]. */
  public void times(float alpha, Tensor y, float beta, Tensor x, Factors factors) {
    int height = height(x, y);
    if (height > 0) {
      multiply("four_bit_plain_", columns, height, y, x, alpha, beta, factors);
    }
  }

  private void multiply(
      String kernel,
      int width,
      int height,
      Tensor given,
      Tensor result,
      float alpha,
      float beta,
      Factors factors) {
    Grid grid =
        new Grid(
            Math.ceilDiv(width, TILE),
            Math.ceilDiv(height, TILE),
            factors == Factors.FLOAT32 ? THREADS : TENSOR_CORE_THREADS);
    launcher.launch(
        kernel + factors.suffix(),
        grid,
        weight,
        arg(given),
        arg(result),
        arg(height),
        arg(alpha),
        arg(beta));
  }

  private int height(Tensor narrow, Tensor wide) {
    narrow.requireShape(narrow.size(0), columns);
    wide.requireShape(narrow.size(0), rows);
    return Math.toIntExact(narrow.size(0));
  }

  /**
   * Rows of signed bytes with a scale each: w = code · scale / 127.
   *
   * @param codes int8 [rows, columns] or flat
   * @param scales float32 [rows]
   * @param first the first row wanted
   * @param out [count, columns], float32, bfloat16 or float16
   */
  public static void dequantizeBytes(
      KernelLauncher launcher, Tensor codes, Tensor scales, int first, Tensor out) {
    long columns = out.size(1);
    new CudaGrids(launcher)
        .elements(
            "dequantize_int8_" + out.dtype().name().toLowerCase(Locale.ROOT),
            out.elements(),
            new KernelArgument.Address(codes.address() + first * columns),
            new KernelArgument.Address(scales.address() + (long) Float.BYTES * first),
            arg(out),
            arg(out.elements()),
            arg(Math.toIntExact(columns)));
  }
}
