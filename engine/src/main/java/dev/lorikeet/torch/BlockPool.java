package dev.lorikeet.torch;

import dev.lorikeet.error.RunException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/**
 * Host memory in blocks that are used again: fresh pages cost the kernel 0.25 ms a megabyte, and
 * every step of a training asks for the same sizes. Sizes are rounded up by at most an eighth,
 * small ones to a multiple of 64; blocks start at a multiple of 64 bytes. Safe for use by several
 * threads.
 */
final class BlockPool {
  private static final long ALIGNMENT = 64;

  private final MethodHandle malloc =
      function("malloc", FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private final MethodHandle free =
      function("free", FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
  private final Map<Long, ArrayDeque<Long>> idle = new TreeMap<>();
  private final long maxIdleBytes;
  private long idleBytes;

  /** Keeps at most {@code maxIdleBytes} of freed blocks for later. */
  BlockPool(long maxIdleBytes) {
    this.maxIdleBytes = maxIdleBytes;
  }

  synchronized long allocate(long bytes) {
    long blockBytes = blockBytes(bytes);
    ArrayDeque<Long> blocks = idle.get(blockBytes);
    if (blocks != null && !blocks.isEmpty()) {
      idleBytes -= blockBytes;
      return blocks.pop();
    }
    return freshBlock(blockBytes);
  }

  synchronized void release(long address, long bytes) {
    long blockBytes = blockBytes(bytes);
    if (idleBytes + blockBytes > maxIdleBytes) {
      freeBlock(address);
      return;
    }
    idleBytes += blockBytes;
    idle.computeIfAbsent(blockBytes, size -> new ArrayDeque<>()).push(address);
  }

  /** Gives every idle block back to the system. */
  synchronized void trim() {
    idle.values().forEach(blocks -> blocks.forEach(this::freeBlock));
    idle.clear();
    idleBytes = 0;
  }

  /** Bytes that are kept for later. */
  synchronized long idleBytes() {
    return idleBytes;
  }

  /** The size of the block for {@code bytes}: a multiple of an eighth of the power of two below. */
  static long blockBytes(long bytes) {
    long atLeast = Math.max(bytes, ALIGNMENT);
    long step = Math.max(ALIGNMENT, Long.highestOneBit(atLeast) / 8);
    return Math.ceilDiv(atLeast, step) * step;
  }

  /** The address that malloc gave is kept in the eight bytes before the aligned block. */
  private long freshBlock(long blockBytes) {
    long raw = malloc(blockBytes + 2 * ALIGNMENT);
    if (raw == 0) {
      trim();
      raw = malloc(blockBytes + 2 * ALIGNMENT);
    }
    if (raw == 0) {
      throw new RunException(
          "out of memory: the system refused "
              + blockBytes
              + " bytes. Use a smaller micro_batch or max_seq_len, or close other programs.");
    }
    long address = Math.ceilDiv(raw + Long.BYTES, ALIGNMENT) * ALIGNMENT;
    header(address).set(ValueLayout.JAVA_LONG, 0, raw);
    return address;
  }

  private void freeBlock(long address) {
    try {
      free.invokeExact(header(address).get(ValueLayout.JAVA_LONG, 0));
    } catch (Throwable failure) {
      throw new IllegalStateException("free", failure);
    }
  }

  private long malloc(long bytes) {
    try {
      return (long) malloc.invokeExact(bytes);
    } catch (Throwable failure) {
      throw new IllegalStateException("malloc of " + bytes + " bytes", failure);
    }
  }

  private static MemorySegment header(long address) {
    return MemorySegment.ofAddress(address - Long.BYTES).reinterpret(Long.BYTES);
  }

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }
}
