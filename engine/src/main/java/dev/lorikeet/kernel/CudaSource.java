package dev.lorikeet.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/** The source of the CUDA kernels, as one text that includes nothing. */
public final class CudaSource {
  /** Where the files are, beside this class. */
  static final String FOLDER = "cuda/";

  /** What the others include; they come first. */
  static final List<String> HEADERS = List.of("common.cuh", "four_bit.cuh");

  /** Files of kernels. */
  static final List<String> FILES =
      List.of(
          "norm.cu",
          "rope.cu",
          "gate.cu",
          "cross_entropy.cu",
          "rows.cu",
          "elements.cu",
          "updates.cu",
          "adafactor.cu",
          "dequantize.cu",
          "four_bit_rows.cu",
          "four_bit_product.cu",
          "magnitudes.cu");

  private static final Pattern INCLUDE = Pattern.compile("(?m)^#(include .*|pragma once)$");

  private CudaSource() {}

  /** All files one behind the other; errors of a compiler name file and line. */
  public static String text() {
    StringBuilder text = new StringBuilder();
    HEADERS.forEach(file -> append(text, file));
    FILES.forEach(file -> append(text, file));
    return text.toString();
  }

  private static void append(StringBuilder text, String file) {
    String source = INCLUDE.matcher(read(file)).replaceAll("");
    text.append("#line 1 \"").append(file).append("\"\n").append(source).append('\n');
  }

  private static String read(String file) {
    try (InputStream in = CudaSource.class.getResourceAsStream(FOLDER + file)) {
      if (in == null) {
        throw new IllegalStateException("the jar has no " + FOLDER + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException("reading " + file + " of the jar", failure);
    }
  }
}
