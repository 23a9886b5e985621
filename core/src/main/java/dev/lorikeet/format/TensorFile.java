package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** An open file of named tensors; any number of threads may read it. */
sealed interface TensorFile extends AutoCloseable permits SafeTensors, GgufWeights {

  /** The file that is open. */
  Path file();

  /** The tensors by name, in the order of their bytes in the file. */
  Map<String, TensorEntry> entries();

  /**
   * Type, shape and place of a tensor.
   *
   * @throws FormatException if there is no such tensor
   */
  TensorEntry entry(String name);

  /** The stored bytes of a tensor, valid until {@link #close}. */
  MemorySegment bytes(String name);

  /** Converts a floating-point tensor to little-endian float32. */
  void readFloats(String name, MemorySegment target);

  /** Copies the stored bytes of a tensor. */
  void readBytes(String name, MemorySegment target);

  /** The kind of blocks that a weight is stored in, if it is in such. */
  default Optional<GgufType> blockType(String name) {
    return Optional.empty();
  }

  /** Copies the blocks of a weight, row by row. */
  default void readBlocks(String name, MemorySegment target) {
    throw new IllegalStateException(name + " is not stored in blocks");
  }

  /** Whether matrices lie as [out, in] whatever the model's family does elsewhere. */
  default boolean storesOutputFirst() {
    return false;
  }

  @Override
  void close();
}
