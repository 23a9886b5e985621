package dev.lorikeet.hub;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A file of a repository at a commit.
 *
 * @param path its name, folders divided by slashes; never leaves the folder it is put into
 * @param size in bytes
 * @param gitId SHA-1 of the file, or of its pointer if it lies in large file storage, as git has it
 * @param sha256 of the file if it lies in large file storage
 * @param xetHash what another transport calls it; kept for the other users of the cache
 */
record HubFile(
    String path, long size, String gitId, Optional<String> sha256, Optional<String> xetHash) {
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  private static final Pattern FORBIDDEN = Pattern.compile("[\\p{Cntrl}\\\\]|^[A-Za-z]:");

  /** Checksum of the content and name of the blob: the entity tag that the hub gives the file. */
  String etag() {
    return sha256.orElse(gitId);
  }

  /** A fresh sum that has to come out as {@link #etag}. */
  ContentHash hash() {
    return sha256.isPresent() ? ContentHash.sha256() : ContentHash.git(size);
  }

  /** Whether {@code text} has the form of a SHA-256. */
  static boolean isSha256(String text) {
    return SHA256.matcher(text).matches();
  }

  /** Whether size and checksums are those of a file; the checksum becomes part of paths. */
  boolean described() {
    return size >= 0 && SHA1.matcher(gitId).matches() && sha256.map(HubFile::isSha256).orElse(true);
  }

  /** What is wrong with {@code path} as a name below a folder; empty if nothing is. */
  static Optional<String> problem(String path) {
    if (path.isEmpty() || path.startsWith("/")) {
      return Optional.of("is not relative");
    }
    if (FORBIDDEN.matcher(path).find()) {
      return Optional.of("holds a character that a file name must not have");
    }
    List<String> parts = List.of(path.split("/", -1));
    if (parts.contains("") || parts.contains(".") || parts.contains("..")) {
      return Optional.of("has an empty part, '.' or '..'");
    }
    return Optional.empty();
  }

  /** Last part of the path. */
  String name() {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
