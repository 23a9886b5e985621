package dev.lorikeet.data;

import java.util.List;

/**
 * Hashes of every stage that the examples went through; SHA-256 as lower-case hexadecimal digits.
 *
 * @param sources files, the training file first
 * @param tokenizerSha256 hash of the tokenizer
 * @param trainSha256 hash of the training examples, see {@link Fingerprint}
 * @param validationSha256 the same of the validation examples
 */
public record DataProvenance(
    List<Source> sources, String tokenizerSha256, String trainSha256, String validationSha256) {

  /**
   * A data file.
   *
   * @param path as the recipe names it
   * @param bytes size of the file
   * @param sha256 hash of its bytes
   */
  public record Source(String path, long bytes, String sha256) {}

  public DataProvenance {
    sources = List.copyOf(sources);
  }
}
