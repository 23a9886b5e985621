package dev.lorikeet.format;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Files that the tests of this package make, and what they ask of messages. */
final class Fixtures {
  private Fixtures() {}

  /** A file of length prefix, header text and as many zero bytes of data. */
  static Path safeTensors(Path file, String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return raw(file, json.length, json, dataBytes);
  }

  /** As {@link #safeTensors}, with a length prefix of the caller's choice. */
  static Path raw(Path file, long claimedLength, byte[] header, int dataBytes) {
    byte[] bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(claimedLength)
            .put(header)
            .array();
    return write(file, bytes);
  }

  static Path write(Path file, String text) {
    return write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Names in a folder, sorted. */
  static List<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static TensorData data(StoredType type, List<Long> shape, byte[] bytes) {
    return new TensorData(type, shape, MemorySegment.ofArray(bytes));
  }

  /** A float32 tensor of the given values. */
  static TensorData floats(List<Long> shape, float... values) {
    return new TensorData(StoredType.F32, shape, FloatTensor.of(shape, values).floats());
  }

  static MemorySegment floatTarget(long elements) {
    return Arena.ofAuto().allocate(4 * elements, 4);
  }

  static float[] toFloats(MemorySegment segment) {
    return segment.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
  }

  /** Asserts that a message holds every fragment, and shows the message when it does not. */
  static void assertSays(Throwable failure, String... fragments) {
    String message = String.valueOf(failure.getMessage());
    for (String fragment : fragments) {
      assertTrue(
          message.contains(fragment), () -> "no \"" + fragment + "\" in the message:\n" + message);
    }
  }

  /** The folder of real test data beside the repository; skips the test where it is absent. */
  static Path sharedData(String path) {
    Path found = Path.of("../../shared/data").resolve(path);
    assumeTrue(Files.exists(found), "shared/data/" + path + " is not beside the repository");
    return found;
  }
}
