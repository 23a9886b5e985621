package dev.lorikeet.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Checksum of a file's content as the hub names it. */
final class ContentHash {
  private static final int BUFFER_BYTES = 1 << 20;

  private final MessageDigest digest;
  private final String algorithm;

  private ContentHash(String algorithm) {
    this.algorithm = algorithm;
    try {
      digest = MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has " + algorithm, e);
    }
  }

  /** SHA-256 of the content, for files in large file storage. */
  static ContentHash sha256() {
    return new ContentHash("SHA-256");
  }

  /** SHA-1 of {@code "blob SIZE\0"} and the content: the name that git gives it. */
  static ContentHash git(long size) {
    ContentHash hash = new ContentHash("SHA-1");
    hash.digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
    return hash;
  }

  /** Adds what is left in {@code bytes}, which is read to its end. */
  void add(ByteBuffer bytes) {
    digest.update(bytes);
  }

  /** Adds the content of {@code channel} from its start to its end. */
  void addAll(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    long position = 0;
    while (channel.read(buffer.clear(), position) >= 0) {
      position += buffer.flip().remaining();
      digest.update(buffer);
    }
  }

  /** Adds the content of {@code file}. */
  void addAll(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      addAll(channel);
    }
  }

  /** The sum in hexadecimal digits; the object is of no use afterwards. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** SHA-256 or SHA-1. */
  String algorithm() {
    return algorithm;
  }
}
