package dev.lorikeet.data;

import dev.lorikeet.source.HashingStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/**
 * SHA-256 of encoded examples: of each in turn its id (8 bytes), first label (4), number of tokens
 * (4) and token ids (4 each), big-endian; of tokens behind the first label that are not learned the
 * complement.
 */
public final class Fingerprint {
  private final MessageDigest digest = HashingStream.sha256Digest();

  Fingerprint() {}

  /** The hash as 64 lower-case hexadecimal digits. */
  public static String of(List<Example> examples) {
    Fingerprint fingerprint = new Fingerprint();
    for (Example example : examples) {
      fingerprint.add(ExampleBytes.of(example));
    }
    return fingerprint.hex();
  }

  /** Adds the next example, whose {@link ExampleBytes} are all of {@code bytes}. */
  void add(ByteBuffer bytes) {
    digest.update(bytes.duplicate());
  }

  /** The hash of what was added; nothing is to be added after this. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
