package dev.lorikeet.data;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/**
 * SHA-256 of encoded examples: of each in turn its id (8 bytes), first label (4), number of tokens
 * (4) and token ids (4 each), big-endian.
 */
public final class Fingerprint {
  private Fingerprint() {}

  /** The hash as 64 lower-case hexadecimal digits. */
  public static String of(List<Example> examples) {
    MessageDigest digest = HashingStream.sha256Digest();
    for (Example example : examples) {
      ByteBuffer bytes = ByteBuffer.allocate(16 + 4 * example.length());
      bytes.putLong(example.id()).putInt(example.firstLabel()).putInt(example.length());
      for (int position = 0; position < example.length(); position++) {
        bytes.putInt(example.token(position));
      }
      digest.update(bytes.array());
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
