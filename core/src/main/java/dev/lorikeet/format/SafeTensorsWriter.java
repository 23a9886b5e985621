package dev.lorikeet.format;

import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes safetensors files whose bytes follow from the content alone.
 *
 * <p>Like the reference library, tensors of wider types come first, so that each is aligned to its
 * element size, and those of one type are sorted by name; the header is padded with spaces to a
 * multiple of 8 bytes. Metadata is sorted by key.
 */
public final class SafeTensorsWriter {
  private static final long CHUNK_BYTES = 1L << 24;

  /** The reference library's order of types; its writer goes from the last to the first. */
  private static final List<StoredType> NARROW_TO_WIDE =
      List.of(
          StoredType.BOOL,
          StoredType.U8,
          StoredType.I8,
          StoredType.I16,
          StoredType.F16,
          StoredType.BF16,
          StoredType.I32,
          StoredType.F32,
          StoredType.F64,
          StoredType.I64);

  private SafeTensorsWriter() {}

  /**
   * Replaces {@code file} atomically.
   *
   * @param tensors by name; {@code __metadata__} is not a tensor name
   * @param metadata string pairs for the header; {@code format=pt} is what transformers expects
   * @throws RunException if the file cannot be written; an old file is then still whole
   */
  public static void write(
      Path file, Map<String, TensorData> tensors, Map<String, String> metadata) {
    if (tensors.containsKey(SafeTensorsHeader.METADATA)) {
      throw new IllegalStateException(SafeTensorsHeader.METADATA + " is not a tensor name");
    }
    List<Map.Entry<String, TensorData>> ordered =
        tensors.entrySet().stream()
            .sorted(
                Comparator.<Map.Entry<String, TensorData>>comparingInt(
                        entry -> -NARROW_TO_WIDE.indexOf(entry.getValue().type()))
                    .thenComparing(Map.Entry.comparingByKey()))
            .toList();
    ByteBuffer header = header(ordered, metadata);
    AtomicFile.writeChannel(
        file,
        channel -> {
          writeFully(channel, header);
          for (Map.Entry<String, TensorData> entry : ordered) {
            writeSegment(channel, entry.getValue().bytes());
          }
        });
  }

  private static ByteBuffer header(
      List<Map.Entry<String, TensorData>> tensors, Map<String, String> metadata) {
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode pairs = root.putObject(SafeTensorsHeader.METADATA);
      new TreeMap<>(metadata).forEach(pairs::put);
    }
    long begin = 0;
    for (Map.Entry<String, TensorData> entry : tensors) {
      TensorData tensor = entry.getValue();
      ObjectNode node = root.putObject(entry.getKey());
      node.put("dtype", tensor.type().name());
      ArrayNode shape = node.putArray("shape");
      tensor.shape().forEach(shape::add);
      long end = begin + tensor.bytes().byteSize();
      node.putArray("data_offsets").add(begin).add(end);
      begin = end;
    }
    byte[] json = JsonFile.COMPACT.writeValueAsBytes(root);
    int length = (json.length + 7) / 8 * 8;
    byte[] padded = Arrays.copyOf(json, length);
    Arrays.fill(padded, json.length, length, (byte) ' ');
    return ByteBuffer.allocate(SafeTensorsHeader.PREFIX_BYTES + length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(padded)
        .flip();
  }

  private static void writeSegment(FileChannel channel, MemorySegment bytes) throws IOException {
    long size = bytes.byteSize();
    for (long begin = 0; begin < size; begin += CHUNK_BYTES) {
      MemorySegment chunk = bytes.asSlice(begin, Math.min(CHUNK_BYTES, size - begin));
      // Arrays of other types than bytes have no buffer to write from.
      writeFully(
          channel,
          chunk.isNative()
              ? chunk.asByteBuffer()
              : ByteBuffer.wrap(chunk.toArray(ValueLayout.JAVA_BYTE)));
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
