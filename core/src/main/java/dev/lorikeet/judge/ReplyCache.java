package dev.lorikeet.judge;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Replies of judges on disk, by the hash of everything that was sent.
 *
 * <p>JSON lines {@code {"key":…,"identity":…,"reply":…}}; each is forced to the disk before its
 * reply is used, so none is paid for twice. The key is the SHA-256 of, each in UTF-8 behind its
 * length in bytes (8, big-endian): the words {@code lorikeet-judge-1}, the model's identity, and
 * role and content of every message. A last line that was cut by a crash is removed on opening. One
 * process at a time may have the file open.
 */
public final class ReplyCache implements AutoCloseable {
  private static final String FORM = "lorikeet-judge-1";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final Path file;
  private final FileChannel channel;
  private final Map<String, String> replies = new HashMap<>();

  private ReplyCache(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens or makes {@code file}; its folder has to exist.
   *
   * @throws RunException if it cannot be opened, or another process has it
   * @throws FormatException if a line before the last is damaged
   */
  public static ReplyCache open(Path file) {
    try {
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        lock(file, channel);
        ReplyCache cache = new ReplyCache(file, channel);
        cache.load();
        return cache;
      } catch (IOException | RuntimeException failure) {
        channel.close();
        throw failure;
      }
    } catch (IOException failure) {
      throw new RunException(
          "Could not open the judge's replies in "
              + file
              + ": "
              + failure.getMessage()
              + ". Choose a folder that exists and can be written.",
          failure);
    }
  }

  private static void lock(Path file, FileChannel channel) throws IOException {
    try {
      if (channel.tryLock() != null) {
        return;
      }
    } catch (OverlappingFileLockException ours) {
      // The same as a lock of another process.
    }
    throw new RunException(
        "The judge's replies in "
            + file
            + " are in use by another evaluation. Wait for it, or choose another file.");
  }

  private void load() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int start = 0;
    int line = 1;
    for (int end = 0; end < bytes.length; end++) {
      if (bytes[end] == '\n') {
        boolean last = end == bytes.length - 1;
        if (!keep(new String(bytes, start, end - start, StandardCharsets.UTF_8), line, last)) {
          break;
        }
        start = end + 1;
        line++;
      }
    }
    channel.truncate(start);
    channel.position(start);
  }

  /** Keeps a line; false for a last one that is not whole. */
  private boolean keep(String text, int line, boolean last) {
    try {
      JsonNode json = MAPPER.readTree(text);
      if (json.path("key").isString() && json.path("reply").isString()) {
        replies.put(json.path("key").asString(), json.path("reply").asString());
        return true;
      }
    } catch (JacksonException broken) {
      if (!last) {
        throw new FormatException(
            file, "line " + line + " is not JSON; remove the line and run again", broken);
      }
    }
    if (!last) {
      throw new FormatException(
          file, "line " + line, "has no key and reply; remove the line and run again");
    }
    return false;
  }

  /** The reply that was kept under {@code key}. */
  public synchronized Optional<String> find(String key) {
    return Optional.ofNullable(replies.get(key));
  }

  /** Number of replies. */
  public synchronized int size() {
    return replies.size();
  }

  /**
   * Keeps a reply; returns when it is on the disk.
   *
   * @param identity of the model, for readers of the file
   * @throws RunException if it cannot be written; the file then ends as before
   */
  public synchronized void put(String key, String identity, String reply) {
    Map<String, String> json = new LinkedHashMap<>();
    json.put("key", key);
    json.put("identity", identity);
    json.put("reply", reply);
    byte[] line = (MAPPER.writeValueAsString(json) + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      long before = channel.position();
      try {
        ByteBuffer rest = ByteBuffer.wrap(line);
        while (rest.hasRemaining()) {
          channel.write(rest);
        }
        channel.force(false);
      } catch (IOException failure) {
        channel.truncate(before);
        throw failure;
      }
    } catch (IOException failure) {
      throw new RunException(
          "Could not keep a verdict in "
              + file
              + ": "
              + failure.getMessage()
              + ". Free space there"
              + " and run again to go on.",
          failure);
    }
    replies.put(key, reply);
  }

  /** The key of a conversation with a model. */
  public static String key(String identity, List<ChatMessage> conversation) {
    MessageDigest digest = sha256();
    add(digest, FORM);
    add(digest, identity);
    for (ChatMessage message : conversation) {
      add(digest, message.role().spelling());
      add(digest, message.content());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void add(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(bytes.length).flip());
    digest.update(bytes);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw new RunException("Could not close " + file + ": " + failure.getMessage(), failure);
    }
  }
}
