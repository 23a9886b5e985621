package dev.lorikeet.source;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A stream that counts and hashes what is read through it. */
public final class HashingStream extends FilterInputStream {
  private final MessageDigest digest = sha256Digest();
  private long count;

  /** Reads through {@code in}, which is closed with it. */
  public HashingStream(InputStream in) {
    super(in);
  }

  /** A new SHA-256. */
  public static MessageDigest sha256Digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public int read() throws IOException {
    int value = super.read();
    if (value >= 0) {
      digest.update((byte) value);
      count++;
    }
    return value;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    int read = super.read(target, offset, length);
    if (read > 0) {
      digest.update(target, offset, read);
      count += read;
    }
    return read;
  }

  @Override
  public boolean markSupported() {
    return false;
  }

  /** Reads to the end. */
  public void drain() throws IOException {
    byte[] buffer = new byte[8192];
    while (read(buffer, 0, buffer.length) >= 0) {
      // Reading is what counts and hashes.
    }
  }

  /** Bytes read so far. */
  public long count() {
    return count;
  }

  /** Hash of the bytes read; the stream is not to be read after this. */
  public String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
