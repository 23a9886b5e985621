package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.INTS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.getByte;
import static dev.lorikeet.kernel.VectorMath.getInt;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.loadInts;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;
import static dev.lorikeet.kernel.VectorMath.sum;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * A 4-bit weight in host memory back to float32: w = map[code] · scale(block), row-major, the even
 * element in the high four bits of a byte. Eight elements are one 32-bit word: it goes to all lanes
 * and each lane shifts its code down.
 */
public final class FourBitKernel {
  private static final int CODE = 0xF;
  private static final int CODE_BITS = 4;

  /** Codes of 32 bits. */
  private static final int WORD = Integer.SIZE / CODE_BITS;

  /** Codes of a vector of words. */
  private static final int GROUP = WORD * LANES;

  /** Elements of two vectors. */
  private static final long PAIR = 2L * LANES;

  /** Of the little-endian word, element 0 is the high half of the first byte. */
  private static final IntVector SHIFTS =
      IntVector.fromArray(INTS, new int[] {4, 0, 12, 8, 20, 16, 28, 24}, 0);

  private final long codes;
  private final int blockShift;
  private final float[] map;
  private final int[] mapBits = new int[2 * LANES];
  private final Scales scales;

  /** The scale of a block. */
  @FunctionalInterface
  public interface Scales {
    /** The scale of block {@code block}. */
    float of(long block);
  }

  /**
   * A view of memory that the caller keeps alive.
   *
   * @param codes address of the bytes
   * @param map what the 16 codes stand for
   * @param blockSize elements that share a scale, a power of two of at least 32
   */
  public FourBitKernel(long codes, float[] map, int blockSize, Scales scales) {
    this.codes = codes;
    this.map = map.clone();
    this.scales = scales;
    blockShift = Integer.numberOfTrailingZeros(blockSize);
    for (int i = 0; i < mapBits.length; i++) {
      mapBits[i] = Float.floatToRawIntBits(map[i]);
    }
  }

  /** Scales that are float32 at {@code address}. */
  public static Scales plainScales(long address) {
    return block -> get(address + Float.BYTES * block);
  }

  /**
   * Scales that are quantised themselves: map[byte] · absmax + offset, rounded after the product
   * and after the sum.
   *
   * @param bytes address of a byte for every block
   * @param absmax address of a float32 for every {@code blockSize} blocks
   * @param nestedMap what the 256 bytes stand for
   */
  public static Scales nestedScales(
      long bytes, long absmax, float[] nestedMap, int blockSize, float offset) {
    int shift = Integer.numberOfTrailingZeros(blockSize);
    float[] values = nestedMap.clone();
    return block ->
        values[Byte.toUnsignedInt(getByte(bytes + block))]
                * get(absmax + Float.BYTES * (block >>> shift))
            + offset;
  }

  /** Elements {@code first … first + count − 1} as float32 to {@code out}. */
  public void dequantize(long first, int count, long out) {
    long end = first + count;
    for (long at = first; at < end; ) {
      long block = at >>> blockShift;
      long stop = Math.min(end, (block + 1) << blockShift);
      dequantizeInBlock(at, (int) (stop - at), scales.of(block), out + Float.BYTES * (at - first));
      at = stop;
    }
  }

  private void dequantizeInBlock(long first, int count, float scale, long out) {
    IntVector low = IntVector.fromArray(INTS, mapBits, 0);
    IntVector high = IntVector.fromArray(INTS, mapBits, LANES);
    int i = 0;
    if ((first & 1) == 1) {
      set(out, element(first) * scale);
      i = 1;
    }
    for (; i + LANES <= count; i += LANES) {
      IntVector index =
          IntVector.broadcast(INTS, getInt(codes + ((first + i) >>> 1)))
              .lanewise(VectorOperators.LSHR, SHIFTS)
              .and(CODE);
      FloatVector values = index.selectFrom(low, high).reinterpretAsFloats();
      store(values.mul(scale), out + Float.BYTES * (long) i);
    }
    for (; i < count; i++) {
      set(out + Float.BYTES * (long) i, element(first + i) * scale);
    }
  }

  /** Whether {@link #dots} can multiply rows of so many elements: whole words, whole lanes. */
  public static boolean multiplies(int columns) {
    return columns % LANES == 0;
  }

  /** Whether {@link #dots} takes eight words at a time and a vector in the order of their codes. */
  private boolean takesGroups(int columns) {
    return columns % GROUP == 0 && 1 << blockShift >= GROUP;
  }

  /**
   * The float32 of a vector in the order in which {@link #dots} reads them: where a row is whole
   * groups of 64 elements, the codes that stand at the same place of eight words lie side by side.
   *
   * @param room for {@code columns} float32
   * @return {@code room}, or {@code x} where the order is that of the columns
   */
  public long arranged(long x, int columns, long room) {
    if (!takesGroups(columns)) {
      return x;
    }
    for (int i = 0; i < columns; i++) {
      int place = (i & (WORD - 1)) ^ 1;
      int lane = (i / WORD) & (LANES - 1);
      int arranged = (i & -GROUP) + place * LANES + lane;
      set(room + 4L * arranged, get(x + 4L * i));
    }
    return room;
  }

  /**
   * Sums over the columns of rows {@code first … first + count − 1} times the float32 at {@code x},
   * as float32 to {@code sums}. The scale of a block multiplies the sum of its products, which
   * rounds less than scaling every weight.
   *
   * @param columns elements of a row, see {@link #multiplies}
   * @param x as {@link #arranged} gives it
   */
  public void dots(int first, int count, int columns, long x, long sums) {
    boolean groups = takesGroups(columns);
    for (int row = 0; row < count; row++) {
      long at = (long) (first + row) * columns;
      set(sums + 4L * row, groups ? dotOfGroups(at, columns, x) : dot(at, columns, x));
    }
  }

  private float dotOfGroups(long first, int columns, long x) {
    IntVector low = IntVector.fromArray(INTS, mapBits, 0);
    IntVector high = IntVector.fromArray(INTS, mapBits, LANES);
    FloatVector total = FloatVector.zero(FLOATS);
    for (int column = 0; column < columns; column += GROUP) {
      long at = first + column;
      FloatVector scale = FloatVector.broadcast(FLOATS, scales.of(at >>> blockShift));
      total = group(codes + (at >>> 1), x + 4L * column, low, high).fma(scale, total);
    }
    return sum(total);
  }

  /** Eight lanes of the products of 64 codes; a longer body would cost the compiler its vectors. */
  private static FloatVector group(long codes, long x, IntVector low, IntVector high) {
    IntVector words = loadInts(codes);
    FloatVector even = FloatVector.zero(FLOATS);
    FloatVector odd = FloatVector.zero(FLOATS);
    for (int shift = 0; shift < Integer.SIZE; shift += 2 * CODE_BITS) {
      long xAt = x + (long) LANES * shift;
      even = values(words, shift, low, high).fma(load(xAt), even);
      odd = values(words, shift + CODE_BITS, low, high).fma(load(xAt + 4L * LANES), odd);
    }
    return even.add(odd);
  }

  /** What the codes at {@code shift} of eight words stand for: an index wraps at 16. */
  private static FloatVector values(IntVector words, int shift, IntVector low, IntVector high) {
    return words.lanewise(VectorOperators.LSHR, shift).selectFrom(low, high).reinterpretAsFloats();
  }

  private float dot(long first, int columns, long x) {
    IntVector low = IntVector.fromArray(INTS, mapBits, 0);
    IntVector high = IntVector.fromArray(INTS, mapBits, LANES);
    FloatVector total = FloatVector.zero(FLOATS);
    long end = first + columns;
    for (long at = first; at < end; ) {
      long block = at >>> blockShift;
      long stop = Math.min(end, (block + 1) << blockShift);
      FloatVector even = FloatVector.zero(FLOATS);
      FloatVector odd = FloatVector.zero(FLOATS);
      long xAt = x + 4 * (at - first);
      long i = at;
      for (; i + PAIR <= stop; i += PAIR) {
        even = values(i, low, high).fma(load(xAt), even);
        odd = values(i + LANES, low, high).fma(load(xAt + 4L * LANES), odd);
        xAt += 4 * PAIR;
      }
      if (i < stop) {
        even = values(i, low, high).fma(load(xAt), even);
      }
      total = even.add(odd).fma(FloatVector.broadcast(FLOATS, scales.of(block)), total);
      at = stop;
    }
    return sum(total);
  }

  /** What eight codes from an element on stand for; {@code index} is a multiple of eight. */
  private FloatVector values(long index, IntVector low, IntVector high) {
    return IntVector.broadcast(INTS, getInt(codes + (index >>> 1)))
        .lanewise(VectorOperators.LSHR, SHIFTS)
        .and(CODE)
        .selectFrom(low, high)
        .reinterpretAsFloats();
  }

  private float element(long index) {
    int pair = getByte(codes + (index >>> 1));
    return map[((index & 1) == 0 ? pair >> 4 : pair) & CODE];
  }
}
