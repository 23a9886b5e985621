package dev.lorikeet.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/** What a data file is made of. */
public enum FileKind {
  /** A JSON array, or objects one behind the other, usually one a line. */
  JSON("JSON records"),
  /** A table of texts; the first line has the names. */
  CSV("a table of texts"),
  /** Apache Parquet. */
  PARQUET("Parquet"),
  /** Plain text. */
  TEXT("plain text");

  private static final Set<String> JSON_ENDINGS = Set.of("json", "jsonl", "ndjson");
  private static final Set<String> CSV_ENDINGS = Set.of("csv", "tsv", "tab");
  private static final Set<String> TEXT_ENDINGS =
      Set.of("txt", "text", "md", "markdown", "rst", "tex");
  private static final Set<String> COMPRESSED_ENDINGS = Set.of("gz", "zst", "zstd");
  private static final int LOOKED_AT = 4096;

  private final String words;

  FileKind(String words) {
    this.words = words;
  }

  /** The kind for a person. */
  public String words() {
    return words;
  }

  /**
   * The kind of a file: by the ending of its name, without that of a compression, or else by how it
   * begins.
   *
   * @param bytes at the beginning of what the file holds, and left there; needs a mark
   */
  static FileKind of(Path file, InputStream bytes) throws IOException {
    String ending = ending(file);
    if (JSON_ENDINGS.contains(ending)) {
      return JSON;
    }
    if (CSV_ENDINGS.contains(ending)) {
      return CSV;
    }
    if (ending.equals("parquet")) {
      return PARQUET;
    }
    if (TEXT_ENDINGS.contains(ending)) {
      return TEXT;
    }
    bytes.mark(LOOKED_AT);
    String start = new String(bytes.readNBytes(LOOKED_AT), StandardCharsets.ISO_8859_1);
    bytes.reset();
    if (start.startsWith("PAR1")) {
      return PARQUET;
    }
    String text =
        (start.startsWith("\u00ef\u00bb\u00bf") ? start.substring(3) : start).stripLeading();
    return text.startsWith("{") || text.startsWith("[{") || text.matches("(?s)\\[\\s*[{\\]].*")
        ? JSON
        : TEXT;
  }

  /** Whether a folder's file of this name is one of its texts. */
  static boolean isText(Path file) {
    return TEXT_ENDINGS.contains(ending(file));
  }

  /** Whether values of the file are separated by tabs, as its name says. */
  static boolean isTabbed(Path file) {
    return ending(file).equals("tsv") || ending(file).equals("tab");
  }

  private static String ending(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    String last = name.substring(name.lastIndexOf('.') + 1);
    if (COMPRESSED_ENDINGS.contains(last) && last.length() < name.length()) {
      name = name.substring(0, name.length() - last.length() - 1);
    }
    int dot = name.lastIndexOf('.');
    return dot < 0 ? "" : name.substring(dot + 1);
  }
}
