package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open GGUF file, version 2 or 3, little-endian; any number of threads may read it.
 *
 * <p>Layout: the letters GGUF, version (uint32), number of tensors and of keys (uint64), the keys
 * with their values, then for every tensor name, number of extents (uint32), extents (uint64,
 * innermost first), type (uint32) and offset (uint64); then, at the next multiple of {@code
 * general.alignment} (32 unless said), the data that offsets count from. Texts are a length
 * (uint64) and UTF-8.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">GGUF specification</a>
 */
public final class Gguf implements AutoCloseable {
  private static final int MAGIC = 0x4655_4747;
  private static final int MAX_EXTENTS = 4;
  private static final int DEFAULT_ALIGNMENT = 32;

  /** Name with its length, one extent, type and offset. */
  private static final int LEAST_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;

  /** Key with its length, type and value. */
  private static final int LEAST_KEY_BYTES = 8 + 4 + 1;

  private final Path file;
  private final FileChannel channel;
  private final Map<String, Object> metadata;
  private final Map<String, GgufTensor> tensors;

  private Gguf(Path file, FileChannel channel, MemorySegment mapped) {
    this.file = file;
    this.channel = channel;
    GgufReader reader = new GgufReader(file, mapped);
    if (mapped.byteSize() < 4 || reader.int32("the letters GGUF") != MAGIC) {
      throw new FormatException(file, "byte 0", "does not begin with GGUF; it is no GGUF file.");
    }
    requireVersion(reader.int32("the version"));
    long tensorCount = reader.count("the number of tensors", LEAST_TENSOR_BYTES);
    long keyCount = reader.count("the number of keys", LEAST_KEY_BYTES);
    metadata = Collections.unmodifiableMap(reader.metadata(keyCount));
    tensors = Collections.unmodifiableMap(tensors(reader, tensorCount, mapped.byteSize()));
  }

  /**
   * Opens {@code file} and checks its whole header.
   *
   * @throws FormatException if the file is missing, truncated, of another version, holds a type
   *     that is not read here, or its header cannot be true
   */
  @SuppressWarnings("MustBeClosedChecker") // closed here on failure, otherwise by close()
  public static Gguf open(Path file) {
    if (Files.isDirectory(file)) {
      throw new FormatException(file, "is a folder; expected a GGUF file.");
    }
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try (Arena arena = Arena.ofConfined()) {
        return new Gguf(
            file, channel, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
      } catch (IOException | RuntimeException | Error failure) {
        channel.close();
        throw failure;
      }
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + JsonFile.reason(failure), failure);
    }
  }

  /** The file that is open. */
  public Path file() {
    return file;
  }

  /** The tensors by their names in the file. */
  public Map<String, GgufTensor> tensors() {
    return tensors;
  }

  /** Whether there is this key. */
  public boolean has(String key) {
    return metadata.containsKey(key);
  }

  /** A text. */
  public Optional<String> string(String key) {
    return value(key, String.class, "a text");
  }

  /** A truth value. */
  public Optional<Boolean> bool(String key) {
    return value(key, Boolean.class, "a truth value");
  }

  /** A whole number, 0 to 2^31 − 1. */
  public Optional<Integer> integer(String key) {
    return value(key, Long.class, "a whole number").map(number -> toInt(key, number));
  }

  /** A number. */
  public Optional<Double> number(String key) {
    return value(key, Number.class, "a number").map(Number::doubleValue);
  }

  /** An array of texts. */
  public Optional<List<String>> strings(String key) {
    return array(key, String.class, "texts");
  }

  /** An array of numbers. */
  public Optional<List<Number>> numbers(String key) {
    return array(key, Number.class, "numbers");
  }

  /**
   * The value of a key that has to be there.
   *
   * @throws FormatException if it is not
   */
  public <T> T required(String key, Optional<T> value) {
    return value.orElseThrow(() ->
        new FormatException(file, key, "the key is missing; convert the model to GGUF again."));
  }

  /** Float32 of a whole tensor, row-major. */
  public float[] floats(GgufTensor tensor) {
    MemorySegment floats = MemorySegment.ofArray(new float[Math.toIntExact(tensor.elements())]);
    read(tensor, bytes -> GgufBlocks.decode(tensor.type(), bytes, floats));
    return floats.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** Work on the bytes of a tensor. */
  interface Bytes {
    void use(MemorySegment bytes);
  }

  /** Maps a tensor while {@code work} runs: mapped pages count as memory of the process. */
  void read(GgufTensor tensor, Bytes work) {
    try (Arena arena = Arena.ofShared()) {
      work.use(channel.map(FileChannel.MapMode.READ_ONLY, tensor.begin(), tensor.bytes(), arena));
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + JsonFile.reason(failure), failure);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw new UncheckedIOException("closing " + file, failure);
    }
  }

  private int toInt(String key, long number) {
    if (number < 0 || number > Integer.MAX_VALUE) {
      throw new FormatException(
          file, key, "is " + number + ", expected a whole number from 0 to 2147483647.");
    }
    return (int) number;
  }

  private <T> Optional<T> value(String key, Class<T> type, String expected) {
    Object value = metadata.get(key);
    if (value == null) {
      return Optional.empty();
    }
    if (!type.isInstance(value)) {
      throw new FormatException(file, key, "expected " + expected + ", found " + describe(value));
    }
    return Optional.of(type.cast(value));
  }

  private <T> Optional<List<T>> array(String key, Class<T> type, String expected) {
    return value(key, List.class, "an array of " + expected)
        .map(values -> {
          List<T> typed = new ArrayList<>(values.size());
          for (Object value : values) {
            if (!type.isInstance(value)) {
              throw new FormatException(
                  file, key, "expected an array of " + expected + ", found " + describe(value));
            }
            typed.add(type.cast(value));
          }
          return typed;
        });
  }

  private static String describe(Object value) {
    return value instanceof List<?> list ? "an array of " + list.size() : value.toString();
  }

  private void requireVersion(int version) {
    if (version == 2 || version == 3) {
      return;
    }
    if (Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3) {
      throw new FormatException(
          file, "byte 4", "the file is big-endian; take the little-endian one.");
    }
    throw new FormatException(
        file,
        "byte 4",
        "is GGUF version %s; versions 2 and 3 are read. %s"
            .formatted(
                Integer.toUnsignedString(version),
                version == 1
                    ? "Convert the model again with a present llama.cpp."
                    : "The file is damaged, or newer than this Lorikeet."));
  }

  private Map<String, GgufTensor> tensors(GgufReader reader, long count, long fileBytes) {
    Map<String, GgufTensor> relative = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      GgufTensor tensor = description(reader, "tensor " + i + " of " + count);
      if (relative.put(tensor.name(), tensor) != null) {
        throw new FormatException(file, tensor.name(), "the tensor stands twice.");
      }
    }
    long alignment = integer("general.alignment").orElse(DEFAULT_ALIGNMENT);
    if (alignment == 0 || alignment % 8 != 0) {
      throw new FormatException(
          file, "general.alignment", "is " + alignment + ", expected a multiple of 8.");
    }
    long dataStart = Math.ceilDiv(reader.position(), alignment) * alignment;
    Map<String, GgufTensor> absolute = new LinkedHashMap<>();
    relative.forEach(
        (name, tensor) -> absolute.put(name, placed(tensor, dataStart, alignment, fileBytes)));
    requireApart(absolute);
    return absolute;
  }

  private GgufTensor description(GgufReader reader, String what) {
    String name = reader.string("the name of " + what);
    long place = reader.position();
    int extents = reader.int32("extents of " + name);
    if (extents < 0 || extents > MAX_EXTENTS) {
      throw reader.problem(
          place,
          "%s has %s extents; at most %d are allowed"
              .formatted(name, Integer.toUnsignedString(extents), MAX_EXTENTS));
    }
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < extents; i++) {
      shape.addFirst(reader.int64("extents of " + name));
    }
    int id = reader.int32("type of " + name);
    GgufType type =
        GgufType.of(id)
            .orElseThrow(() ->
                new FormatException(
                    file,
                    name,
                    "holds "
                        + GgufType.nameOf(id)
                        + "; F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K are read. Take the model in"
                        + " one of these, such as its Q8_0 file."));
    long offset = reader.int64("offset of " + name);
    return new GgufTensor(name, type, shape, offset, bytes(name, type, shape));
  }

  private long bytes(String name, GgufType type, List<Long> shape) {
    try {
      if (shape.stream().anyMatch(extent -> extent < 0)) {
        throw new ArithmeticException("negative");
      }
      long row = shape.isEmpty() ? 1 : shape.getLast();
      if (row % type.blockElements() != 0) {
        throw new FormatException(
            file,
            name,
            "has rows of %d weights, which are no whole blocks of %d (%s)."
                .formatted(row, type.blockElements(), type));
      }
      return type.bytes(TensorEntry.elements(shape));
    } catch (ArithmeticException _) {
      throw new FormatException(
          file, name, "has the impossible shape " + shape + "; the file is damaged.");
    }
  }

  private GgufTensor placed(GgufTensor tensor, long dataStart, long alignment, long fileBytes) {
    long offset = tensor.begin();
    if (offset < 0 || offset % alignment != 0) {
      throw new FormatException(
          file,
          tensor.name(),
          "begins at offset %s, which is no multiple of the alignment %d."
              .formatted(Long.toUnsignedString(offset), alignment));
    }
    long available = Math.max(0, fileBytes - dataStart);
    if (offset > available || tensor.bytes() > available - offset) {
      throw new FormatException(
          file,
          tensor.name(),
          "needs %d bytes at offset %d of the data, but the data have %d: the file is truncated. Download it again."
              .formatted(tensor.bytes(), offset, available));
    }
    return new GgufTensor(
        tensor.name(), tensor.type(), tensor.shape(), dataStart + offset, tensor.bytes());
  }

  private void requireApart(Map<String, GgufTensor> all) {
    List<GgufTensor> sorted = new ArrayList<>(all.values());
    sorted.sort(Comparator.comparingLong(GgufTensor::begin));
    for (int i = 1; i < sorted.size(); i++) {
      GgufTensor before = sorted.get(i - 1);
      if (before.begin() + before.bytes() > sorted.get(i).begin()) {
        throw new FormatException(
            file,
            sorted.get(i).name(),
            "overlaps with " + before.name() + "; the file is damaged.");
      }
    }
  }
}
