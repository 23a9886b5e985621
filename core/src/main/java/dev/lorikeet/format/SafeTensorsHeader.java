package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Parsed and checked header of one safetensors file.
 *
 * @param metadata the file's own string pairs
 * @param entries tensors in the order of their bytes
 */
record SafeTensorsHeader(Map<String, String> metadata, Map<String, TensorEntry> entries) {
  static final String METADATA = "__metadata__";

  /** Bytes before the header: its length as a u64. */
  static final int PREFIX_BYTES = 8;

  /** The reference library's limit, too: no real header comes near, so more is an attack. */
  static final long MAX_BYTES = 100_000_000;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private static final String ADVICE = " Download or write the file again.";

  /**
   * Checks every claim of {@code header}.
   *
   * @param file for messages
   * @param header the JSON text, without its length prefix
   * @param dataBytes bytes that follow the header in the file
   * @throws FormatException at the first claim that cannot be true
   */
  static SafeTensorsHeader parse(Path file, byte[] header, long dataBytes) {
    return new Reader(file, header).read(dataBytes);
  }

  private static final class Reader {
    private final Path file;
    private final byte[] header;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<TensorEntry> found = new ArrayList<>();

    Reader(Path file, byte[] header) {
      this.file = file;
      this.header = header;
    }

    SafeTensorsHeader read(long dataBytes) {
      // A second byte of zero would make the JSON reader guess UTF-16.
      if (header.length < 2 || header[0] != '{' || header[1] == 0) {
        throw notJson(PREFIX_BYTES, "it does not start with '{'");
      }
      try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), header)) {
        parser.nextToken();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          if (name.equals(METADATA)) {
            readMetadata(parser);
          } else {
            found.add(readTensor(parser, name));
          }
        }
        if (parser.nextToken() != null) {
          throw notJson(offset(parser), "something follows the object");
        }
      } catch (JacksonException failure) {
        long offset = failure.getLocation() == null ? -1 : failure.getLocation().getByteOffset();
        String problem = String.valueOf(failure.getOriginalMessage()).replaceAll("\\s+", " ");
        throw notJson(PREFIX_BYTES + Math.max(0, offset), problem);
      }
      return new SafeTensorsHeader(Collections.unmodifiableMap(metadata), inFileOrder(dataBytes));
    }

    private void readMetadata(JsonParser parser) {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw lie(METADATA, "expected an object of strings, found " + text(parser) + ".");
      }
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String key = parser.currentName();
        if (parser.nextToken() != JsonToken.VALUE_STRING) {
          throw lie(METADATA, "the value of '" + key + "' is not a string.");
        }
        metadata.put(key, parser.getString());
      }
    }

    private TensorEntry readTensor(JsonParser parser, String name) {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw lie(name, "expected {dtype, shape, data_offsets}, found " + text(parser) + ".");
      }
      Optional<StoredType> type = Optional.empty();
      Optional<List<Long>> shape = Optional.empty();
      Optional<List<Long>> offsets = Optional.empty();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String key = parser.currentName();
        parser.nextToken();
        switch (key) {
          case "dtype" -> type = Optional.of(readType(parser, name));
          case "shape" -> shape = Optional.of(readNumbers(parser, name, key));
          case "data_offsets" -> offsets = Optional.of(readNumbers(parser, name, key));
          default -> parser.skipChildren();
        }
      }
      return entry(
          name,
          type.orElseThrow(() -> missing(name, "dtype")),
          shape.orElseThrow(() -> missing(name, "shape")),
          offsets.orElseThrow(() -> missing(name, "data_offsets")));
    }

    private StoredType readType(JsonParser parser, String name) {
      String text = text(parser);
      return StoredType.parse(text)
          .orElseThrow(() ->
              new FormatException(
                  file,
                  name,
                  "dtype "
                      + text
                      + " is not supported; supported are "
                      + List.of(StoredType.values())
                      + ". Convert the tensor to one of them."));
    }

    private List<Long> readNumbers(JsonParser parser, String name, String key) {
      if (parser.currentToken() != JsonToken.START_ARRAY) {
        throw lie(name, key + " is not a list of integers but " + text(parser) + ".");
      }
      List<Long> numbers = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        boolean isInteger = parser.currentToken() == JsonToken.VALUE_NUMBER_INT;
        if (!isInteger || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
          throw lie(name, key + " holds " + text(parser) + ", which is not an integer of 63 bits.");
        }
        if (parser.getLongValue() < 0) {
          throw lie(name, key + " holds the negative number " + parser.getLongValue() + ".");
        }
        numbers.add(parser.getLongValue());
      }
      return numbers;
    }

    private TensorEntry entry(String name, StoredType type, List<Long> shape, List<Long> offsets) {
      if (offsets.size() != 2) {
        throw lie(name, "data_offsets " + offsets + " should be [begin, end].");
      }
      long begin = offsets.get(0);
      long end = offsets.get(1);
      if (end < begin) {
        throw lie(name, "data_offsets " + offsets + " run backwards.");
      }
      long expected;
      try {
        expected = Math.multiplyExact(TensorEntry.elements(shape), type.bytes());
      } catch (ArithmeticException overflow) {
        throw lie(name, "shape " + shape + " of " + type + " overflows 63 bits.");
      }
      if (end - begin != expected) {
        throw lie(
            name,
            "data_offsets %s hold %d bytes, but shape %s of %s needs %d."
                .formatted(offsets, end - begin, shape, type, expected));
      }
      return new TensorEntry(name, type, shape, begin, end);
    }

    private Map<String, TensorEntry> inFileOrder(long dataBytes) {
      found.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
      Map<String, TensorEntry> ordered = new LinkedHashMap<>();
      long covered = 0;
      String before = "the header";
      for (TensorEntry entry : found) {
        if (entry.end() > dataBytes) {
          throw lie(
              entry.name(),
              ("data_offsets [%d, %d] end beyond the %d bytes of data (file byte %d):"
                      + " the file is truncated or the header lies.")
                  .formatted(entry.begin(), entry.end(), dataBytes, fileOffset(dataBytes)));
        }
        if (entry.begin() != covered) {
          throw lie(
              entry.name(),
              ("data_offsets [%d, %d] should begin at %d, where %s ends (file byte"
                      + " %d): the tensors %s.")
                  .formatted(
                      entry.begin(),
                      entry.end(),
                      covered,
                      before,
                      fileOffset(covered),
                      entry.begin() < covered ? "overlap" : "leave a hole"));
        }
        ordered.put(entry.name(), entry);
        covered = entry.end();
        before = entry.name();
      }
      if (covered != dataBytes) {
        throw new FormatException(
            file,
            "byte " + fileOffset(covered),
            "%d bytes follow %s that the header does not mention."
                    .formatted(dataBytes - covered, before)
                + ADVICE);
      }
      return Collections.unmodifiableMap(ordered);
    }

    private long fileOffset(long dataOffset) {
      return PREFIX_BYTES + header.length + dataOffset;
    }

    private static String text(JsonParser parser) {
      String text = String.valueOf(parser.getString());
      return text.length() > 60 ? text.substring(0, 57) + "..." : text;
    }

    private static long offset(JsonParser parser) {
      return PREFIX_BYTES + parser.currentTokenLocation().getByteOffset();
    }

    private FormatException missing(String name, String key) {
      return lie(name, "the header gives no " + key + ".");
    }

    private FormatException lie(String name, String problem) {
      return new FormatException(file, name, problem + ADVICE);
    }

    private FormatException notJson(long offset, String problem) {
      return new FormatException(
          file,
          "byte " + offset,
          "the safetensors header is not a JSON object: " + problem + "." + ADVICE);
    }
  }
}
