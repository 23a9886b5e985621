package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.GgufNames.Source;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The weights of a GGUF file under Hugging Face's names and in its order. Those in blocks show as
 * F32, which is what they stand for; a tensor is mapped only while it is read.
 */
public final class GgufWeights implements TensorFile {
  /** A file of a model's folder that names the GGUF file with the weights, and its size. */
  public static final String POINTER = "model.gguf.json";

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Gguf gguf;
  private final Map<String, Source> sources;
  private final Map<String, TensorEntry> entries;

  private GgufWeights(Gguf gguf) {
    this.gguf = gguf;
    sources = GgufNames.of(gguf);
    Map<String, TensorEntry> found = new LinkedHashMap<>();
    sources.forEach((name, source) -> found.put(name, entry(name, source)));
    entries = Collections.unmodifiableMap(found);
  }

  /**
   * Opens a GGUF file.
   *
   * @throws FormatException if it is damaged, or of an architecture that is not known
   */
  static GgufWeights open(Path file) {
    Gguf gguf = Gguf.open(file);
    try {
      return new GgufWeights(gguf);
    } catch (RuntimeException failure) {
      gguf.close();
      throw failure;
    }
  }

  /** Opens the GGUF file that {@code pointer} names. */
  static GgufWeights pointedToBy(Path pointer) {
    return open(target(pointer));
  }

  /**
   * The GGUF file that {@code pointer} names.
   *
   * @throws FormatException if it is not there or has another size than it had
   */
  public static Path target(Path pointer) {
    JsonConfig named = JsonConfig.read(pointer);
    Path file = Path.of(named.requiredString("file"));
    long bytes = (long) named.requiredDouble("bytes"); // exact up to 2^53
    try {
      if (Files.isRegularFile(file) && Files.size(file) == bytes) {
        return file;
      }
    } catch (IOException failure) {
      throw new FormatException(file, "cannot be read: " + JsonFile.reason(failure), failure);
    }
    throw new FormatException(
        pointer,
        "names %s with %d bytes, which is not there or has another size; give the GGUF file itself as the model."
            .formatted(file, bytes));
  }

  /** The text of a pointer to {@code file}. */
  public static String pointer(Path file, long bytes) {
    return JsonFile.MAPPER.writeValueAsString(
            JsonFile.MAPPER
                .createObjectNode()
                .put("file", file.toAbsolutePath().normalize().toString())
                .put("bytes", bytes))
        + "\n";
  }

  /**
   * The only GGUF file in {@code folder}; nothing if there is none.
   *
   * @throws FormatException if there are several
   */
  public static Optional<Path> onlyIn(Path folder) {
    List<Path> found;
    try (Stream<Path> files = Files.list(folder)) {
      found = files.filter(GgufWeights::isGguf).filter(Files::isRegularFile).sorted().toList();
    } catch (IOException failure) {
      throw new FormatException(folder, "cannot be listed: " + JsonFile.reason(failure), failure);
    }
    if (found.size() > 1) {
      throw new FormatException(
          folder,
          "holds %d GGUF files (%s); give one of them as the model."
              .formatted(
                  found.size(),
                  found.stream()
                      .map(file -> String.valueOf(file.getFileName()))
                      .collect(Collectors.joining(", "))));
    }
    return found.stream().findFirst();
  }

  /** Whether the name is that of a GGUF file. */
  public static boolean isGguf(Path file) {
    return file.toString().toLowerCase(Locale.ROOT).endsWith(".gguf");
  }

  private static TensorEntry entry(String name, Source source) {
    StoredType type = type(source);
    long bytes = TensorEntry.elements(source.shape()) * type.bytes();
    return new TensorEntry(name, type, source.shape(), 0, bytes);
  }

  private static StoredType type(Source source) {
    return switch (source.offset() == 0 ? source.tensor().type() : GgufType.F32) {
      case F16 -> StoredType.F16;
      case BF16 -> StoredType.BF16;
      case F32, Q4_0, Q8_0, Q4_K, Q6_K -> StoredType.F32;
    };
  }

  @Override
  public Path file() {
    return gguf.file();
  }

  @Override
  public Map<String, TensorEntry> entries() {
    return entries;
  }

  @Override
  public TensorEntry entry(String name) {
    return Optional.ofNullable(entries.get(name)).orElseThrow(() -> missing(name));
  }

  @Override
  public boolean storesOutputFirst() {
    return true;
  }

  @Override
  public MemorySegment bytes(String name) {
    throw new IllegalStateException(name + " lies in a GGUF file in an order of its own");
  }

  @Override
  public void readFloats(String name, MemorySegment target) {
    Source source = source(name);
    GgufTensor tensor = source.tensor();
    gguf.read(
        tensor,
        bytes -> {
          if (source.rows().isEmpty()) {
            GgufBlocks.decode(tensor.type(), bytes, target);
            return;
          }
          int[] rows = source.rows().get();
          long storedBytes = tensor.type().bytes(width(source));
          long floatBytes = width(source) * Float.BYTES;
          for (int row = 0; row < rows.length; row++) {
            GgufBlocks.decode(
                tensor.type(),
                bytes.asSlice(rows[row] * storedBytes, storedBytes),
                target.asSlice(row * floatBytes, floatBytes));
          }
        });
    if (source.offset() != 0) {
      for (long at = 0; at < target.byteSize(); at += Float.BYTES) {
        target.set(FLOAT, at, target.get(FLOAT, at) - source.offset());
      }
    }
  }

  @Override
  public void readBytes(String name, MemorySegment target) {
    Source source = source(name);
    if (target.byteSize() != entry(name).sizeBytes()) {
      throw new IllegalStateException(
          "%d bytes for tensor %s of %d"
              .formatted(target.byteSize(), name, entry(name).sizeBytes()));
    }
    if (source.tensor().type().isBlocked() || source.offset() != 0) {
      readFloats(name, target);
    } else {
      copyRows(source, target);
    }
  }

  @Override
  public Optional<GgufType> blockType(String name) {
    Source source = source(name);
    return Optional.of(source.tensor().type())
        .filter(type -> type.isBlocked() && source.shape().size() == 2);
  }

  @Override
  public void readBlocks(String name, MemorySegment target) {
    copyRows(source(name), target);
  }

  private void copyRows(Source source, MemorySegment target) {
    gguf.read(
        source.tensor(),
        bytes -> {
          if (source.rows().isEmpty()) {
            target.copyFrom(bytes);
            return;
          }
          int[] rows = source.rows().get();
          long rowBytes = source.tensor().type().bytes(width(source));
          for (int row = 0; row < rows.length; row++) {
            MemorySegment.copy(bytes, rows[row] * rowBytes, target, row * rowBytes, rowBytes);
          }
        });
  }

  /** Weights in a row of the model's tensor; of a vector, each is a row. */
  private static long width(Source source) {
    return source.shape().size() < 2 ? 1 : source.shape().getLast();
  }

  private Source source(String name) {
    return Optional.ofNullable(sources.get(name)).orElseThrow(() -> missing(name));
  }

  private FormatException missing(String name) {
    return new FormatException(
        file(), name, "the file holds no such tensor among its " + entries.size() + ".");
  }

  @Override
  public void close() {
    gguf.close();
  }
}
