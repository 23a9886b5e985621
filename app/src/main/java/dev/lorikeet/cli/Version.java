package dev.lorikeet.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;

/**
 * The versions that this build was made with.
 *
 * @param lorikeet Lorikeet's own
 * @param libtorch of the bytedeco jar
 * @param openblas of the bytedeco jar
 * @param tokenizers of DJL's tokenizer library
 */
public record Version(String lorikeet, String libtorch, String openblas, String tokenizers) {
  private static final String FILE = "version.properties";

  /** Reads the versions that the build wrote beside this class. */
  public static Version current() {
    Properties values = new Properties();
    try (InputStream in = Version.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException(FILE + " is missing beside " + Version.class.getName());
      }
      values.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("Reading " + FILE + " from the class path", e);
    }
    return new Version(
        value(values, "lorikeet"),
        value(values, "libtorch"),
        value(values, "openblas"),
        value(values, "tokenizers"));
  }

  /** The versions under their names, for the record of a run. */
  public Map<String, String> byName() {
    Map<String, String> versions = new LinkedHashMap<>();
    versions.put("lorikeet", lorikeet);
    versions.put("libtorch", libtorch);
    versions.put("openblas", openblas);
    versions.put("tokenizers", tokenizers);
    return versions;
  }

  private static String value(Properties values, String key) {
    String value = values.getProperty(key);
    if (value == null) {
      throw new IllegalStateException(FILE + " has no key " + key);
    }
    return value;
  }
}
