package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;

/**
 * An open safetensors file, mapped into memory and read only; any number of threads may read it.
 *
 * <p>Owns the mapping: every segment it hands out dies with {@link #close}. Files beyond 2 GB work,
 * and a tensor's pages are read from the disk only when they are touched.
 */
public final class SafeTensors implements TensorFile {
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** A multiple of every element's size. */
  private static final long PART_BYTES = 1L << 26;

  private final Path file;
  private final Arena arena;
  private final FileChannel channel;
  private final long dataStart;
  private final MemorySegment data;
  private final SafeTensorsHeader header;

  private SafeTensors(
      Path file, Arena arena, FileChannel channel, MemorySegment mapped, byte[] header) {
    this.file = file;
    this.arena = arena;
    this.channel = channel;
    dataStart = SafeTensorsHeader.PREFIX_BYTES + (long) header.length;
    data = mapped.asSlice(dataStart);
    this.header = SafeTensorsHeader.parse(file, header, data.byteSize());
  }

  /**
   * Maps {@code file} and checks its whole header.
   *
   * @throws FormatException if the file is missing, truncated, or its header cannot be true
   */
  @SuppressWarnings("MustBeClosedChecker") // closed here on failure, otherwise by close()
  public static SafeTensors open(Path file) {
    if (Files.isDirectory(file)) {
      throw new FormatException(file, "is a folder; expected a safetensors file.");
    }
    Arena arena = Arena.ofShared();
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        MemorySegment mapped = map(file, channel, arena);
        return new SafeTensors(file, arena, channel, mapped, headerBytes(file, mapped));
      } catch (IOException | RuntimeException | Error failure) {
        channel.close();
        throw failure;
      }
    } catch (IOException failure) {
      arena.close();
      throw new FormatException(file, "cannot be read: " + JsonFile.reason(failure), failure);
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  /** The file that is open. */
  @Override
  public Path file() {
    return file;
  }

  /** The tensors by name, in the order of their bytes in the file. */
  @Override
  public Map<String, TensorEntry> entries() {
    return header.entries();
  }

  /**
   * Type, shape and place of a tensor.
   *
   * @throws FormatException if there is no such tensor
   */
  @Override
  public TensorEntry entry(String name) {
    return Optional.ofNullable(entries().get(name))
        .orElseThrow(() ->
            new FormatException(
                file, name, "the file holds no such tensor among its " + entries().size() + "."));
  }

  /** The string pairs under {@code __metadata__}; empty when there are none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * The stored bytes of a tensor: row-major, little-endian, perhaps unaligned, read-only, valid
   * until {@link #close}.
   *
   * @throws FormatException if there is no such tensor
   */
  @Override
  public MemorySegment bytes(String name) {
    TensorEntry entry = entry(name);
    return data.asSlice(entry.begin(), entry.sizeBytes());
  }

  /**
   * Converts a floating-point tensor to little-endian float32; exact except for F64, which is
   * rounded to the nearest float32.
   *
   * @param target four bytes for every element of the tensor
   * @throws FormatException if there is no such tensor or it holds integers
   */
  @Override
  public void readFloats(String name, MemorySegment target) {
    TensorEntry entry = entry(name);
    if (!entry.type().isFloat()) {
      throw new FormatException(
          file,
          name,
          ("holds %s, but floating-point numbers (F32, F16, BF16 or F64) are needed here."
                  + " Use a checkpoint that is not quantised.")
              .formatted(entry.type()));
    }
    int width = entry.type().bytes();
    forEachPart(
        entry,
        (first, part) -> {
          long from = first / width * Float.BYTES;
          long count = part.byteSize() / width * Float.BYTES;
          Floats.decode(entry.type(), part, target.asSlice(from, count));
        });
  }

  /**
   * Copies the stored bytes of a tensor.
   *
   * @param target as many bytes as the tensor has
   * @throws FormatException if there is no such tensor
   */
  @Override
  public void readBytes(String name, MemorySegment target) {
    TensorEntry entry = entry(name);
    if (target.byteSize() != entry.sizeBytes()) {
      throw new IllegalStateException(
          "%d bytes for tensor %s of %d".formatted(target.byteSize(), name, entry.sizeBytes()));
    }
    forEachPart(entry, (first, part) -> target.asSlice(first, part.byteSize()).copyFrom(part));
  }

  /** Bytes of a tensor from {@code first} on. */
  private interface PartWork {
    void run(long first, MemorySegment part);
  }

  /**
   * Goes over a tensor in parts that are mapped one after the other: pages of a file count as
   * memory of the process as long as they are mapped, and a whole checkpoint would count beside its
   * copy.
   */
  private void forEachPart(TensorEntry entry, PartWork work) {
    for (long first = 0; first < entry.sizeBytes(); first += PART_BYTES) {
      long size = Math.min(PART_BYTES, entry.sizeBytes() - first);
      try (Arena part = Arena.ofConfined()) {
        work.run(
            first,
            channel.map(
                FileChannel.MapMode.READ_ONLY, dataStart + entry.begin() + first, size, part));
      } catch (IOException failure) {
        throw new FormatException(file, "cannot be read: " + JsonFile.reason(failure), failure);
      }
    }
  }

  /** Unmaps the file; segments handed out before become invalid. */
  @Override
  public void close() {
    arena.close();
    try {
      channel.close();
    } catch (IOException failure) {
      throw new UncheckedIOException("closing " + file, failure);
    }
  }

  private static MemorySegment map(Path file, FileChannel channel, Arena arena) throws IOException {
    long sizeBytes = channel.size();
    if (sizeBytes < SafeTensorsHeader.PREFIX_BYTES) {
      throw new FormatException(
          file,
          "byte 0",
          ("the file has %d bytes, too few for a safetensors header length (8 bytes)."
                  + " Download or write the file again.")
              .formatted(sizeBytes));
    }
    return channel.map(FileChannel.MapMode.READ_ONLY, 0, sizeBytes, arena);
  }

  private static byte[] headerBytes(Path file, MemorySegment mapped) {
    long length = mapped.get(LENGTH, 0);
    long available = mapped.byteSize() - SafeTensorsHeader.PREFIX_BYTES;
    if (length < 0 || length > SafeTensorsHeader.MAX_BYTES) {
      throw new FormatException(
          file,
          "byte 0",
          ("the header claims %s bytes, but at most %d are allowed; this is not a"
                  + " safetensors file or it is damaged.")
              .formatted(Long.toUnsignedString(length), SafeTensorsHeader.MAX_BYTES));
    }
    if (length > available) {
      throw new FormatException(
          file,
          "byte 0",
          ("the header claims %d bytes, but only %d follow: the file is truncated."
                  + " Download or write the file again.")
              .formatted(length, available));
    }
    return mapped.asSlice(SafeTensorsHeader.PREFIX_BYTES, length).toArray(ValueLayout.JAVA_BYTE);
  }
}
