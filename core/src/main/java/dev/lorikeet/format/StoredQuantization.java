package dev.lorikeet.format;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A quantised weight as a file holds it: little-endian segments that live as long as their owner,
 * which is the checkpoint they were read from.
 */
public sealed interface StoredQuantization {

  /** Shape of the weight, [out, in]. */
  List<Long> shape();

  /**
   * Two weights a byte, the even one in the high four bits, row-major; blocks may cross rows.
   *
   * @param state type, sizes and offset
   * @param codes ⌈n/2⌉ bytes
   * @param scales a float32 for every block, or a byte where they are quantised themselves
   * @param map float32 [16]: what the codes stand for, in units of the scale
   * @param nested what the bytes of {@code scales} stand for; present as in {@code state}
   */
  record FourBit(
      FourBitState state,
      MemorySegment codes,
      MemorySegment scales,
      MemorySegment map,
      Optional<NestedScales> nested)
      implements StoredQuantization {
    /** Checks the sizes against the state. */
    public FourBit {
      boolean isNested = state.nested().isPresent();
      require(isNested == nested.isPresent(), "nested scales");
      require(codes.byteSize() == state.codeBytes(), "codes");
      require(scales.byteSize() == state.blocks() * (isNested ? 1 : Float.BYTES), "scales");
      require(map.byteSize() == 16 * Float.BYTES, "map");
      nested.ifPresent(inner -> {
        require(inner.absmax.byteSize() == state.nestedBlocks() * Float.BYTES, "nested absmax");
        require(inner.map.byteSize() == 256 * Float.BYTES, "nested map");
      });
    }

    @Override
    public List<Long> shape() {
      return state.shape();
    }
  }

  /**
   * Scales of scales: scale = map[byte] · absmax + offset.
   *
   * @param absmax a float32 for every nested block
   * @param map float32 [256]
   */
  record NestedScales(MemorySegment absmax, MemorySegment map) {}

  /**
   * A signed byte for every weight: W = code · scale of the row / 127.
   *
   * @param shape [out, in]
   * @param codes out·in bytes
   * @param rowScales float32 [out]: the largest magnitude of each row
   */
  record Int8(List<Long> shape, MemorySegment codes, MemorySegment rowScales)
      implements StoredQuantization {
    /** Checks the sizes. */
    public Int8 {
      shape = List.copyOf(shape);
      require(shape.size() == 2, "shape " + shape);
      require(codes.byteSize() == TensorEntry.elements(shape), "codes");
      require(rowScales.byteSize() == shape.getFirst() * Float.BYTES, "row scales");
    }
  }

  /**
   * Blocks of a GGUF file: {@link GgufType} says what they are; a row is whole blocks.
   *
   * @param shape [out, in]
   * @param bytes the rows' blocks, one row behind the other
   */
  record Blocks(GgufType type, List<Long> shape, MemorySegment bytes)
      implements StoredQuantization {
    /** Checks the sizes. */
    public Blocks {
      shape = List.copyOf(shape);
      require(type.isBlocked() && shape.size() == 2, "shape " + shape);
      require(bytes.byteSize() == type.bytes(TensorEntry.elements(shape)), "blocks");
    }
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException("sizes of a quantised weight disagree: " + what);
    }
  }
}
