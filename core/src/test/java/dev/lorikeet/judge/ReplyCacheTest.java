package dev.lorikeet.judge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.judge.ChatMessage.Role;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replies on disk. */
class ReplyCacheTest {
  private static final List<ChatMessage> ONE = List.of(new ChatMessage(Role.USER, "one"));

  @TempDir private Path folder;

  @Test
  void aReplyIsOnDiskBeforeItIsUsedAndReadBack() throws IOException {
    Path file = folder.resolve("replies.jsonl");
    try (ReplyCache cache = ReplyCache.open(file)) {
      cache.put("k1", "judge", "line\n\u2028 \"x\" \ud83d\ude00");
      assertTrue(Files.readString(file).endsWith("\n"));
      cache.put("k2", "judge", "");
    }
    try (ReplyCache cache = ReplyCache.open(file)) {
      assertEquals(2, cache.size());
      assertEquals(Optional.of("line\n\u2028 \"x\" \ud83d\ude00"), cache.find("k1"));
      assertEquals(Optional.of(""), cache.find("k2"));
      assertEquals(Optional.empty(), cache.find("k3"));
    }
  }

  @Test
  void aLastLineCutAnywhereIsDroppedAndTheRestKept() throws IOException {
    Path file = folder.resolve("replies.jsonl");
    try (ReplyCache cache = ReplyCache.open(file)) {
      cache.put("k1", "judge", "one");
      cache.put("k2", "judge", "zw\u00f6lf");
    }
    byte[] whole = Files.readAllBytes(file);
    int first = new String(whole, StandardCharsets.UTF_8).indexOf('\n') + 1;
    for (int length = first; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      try (ReplyCache cache = ReplyCache.open(file)) {
        assertEquals(1, cache.size(), "cut at " + length);
        cache.put("k3", "judge", "three");
      }
      try (ReplyCache cache = ReplyCache.open(file)) {
        assertEquals(2, cache.size());
        assertEquals(Optional.of("three"), cache.find("k3"));
      }
    }
  }

  @Test
  void nothingOfALongCutLineIsLeftBehindAShortOne() throws IOException {
    Path file = folder.resolve("replies.jsonl");
    try (ReplyCache cache = ReplyCache.open(file)) {
      cache.put("k1", "judge", "long ".repeat(500));
    }
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 5));
    try (ReplyCache cache = ReplyCache.open(file)) {
      cache.put("k2", "judge", "short");
    }
    assertEquals(
        "{\"key\":\"k2\",\"identity\":\"judge\",\"reply\":\"short\"}\n", Files.readString(file));
  }

  @Test
  void aLastLineOfZerosIsDropped() throws IOException {
    Path file = folder.resolve("replies.jsonl");
    try (ReplyCache cache = ReplyCache.open(file)) {
      cache.put("k1", "judge", "one");
    }
    Files.writeString(file, Files.readString(file) + "\0\0\0\n");
    try (ReplyCache cache = ReplyCache.open(file)) {
      assertEquals(1, cache.size());
    }
  }

  @Test
  void aDamagedLineInTheMiddleIsTold() throws IOException {
    Path file = folder.resolve("replies.jsonl");
    Files.writeString(
        file, "{\"key\":\"a\",\"reply\":\"b\"}\n{\"key\n{\"key\":\"c\",\"reply\":\"d\"}\n");
    FormatException wrong = assertThrows(FormatException.class, () -> ReplyCache.open(file));
    assertTrue(wrong.getMessage().contains("line 2 is not JSON"), wrong.getMessage());
    Files.writeString(file, "{\"key\":\"a\"}\n{\"key\":\"c\",\"reply\":\"d\"}\n");
    FormatException partial = assertThrows(FormatException.class, () -> ReplyCache.open(file));
    assertTrue(partial.getMessage().contains("line 1: has no key and reply"), partial.getMessage());
  }

  @Test
  void oneEvaluationAtATimeHasTheFile() {
    Path file = folder.resolve("replies.jsonl");
    try (ReplyCache cache = ReplyCache.open(file)) {
      RunException taken = assertThrows(RunException.class, () -> ReplyCache.open(file));
      assertTrue(taken.getMessage().contains("in use by another evaluation"), taken.getMessage());
      assertEquals(0, cache.size());
    }
    ReplyCache.open(file).close();
  }

  @Test
  void aFolderThatIsNotThereIsTold() {
    RunException failed =
        assertThrows(RunException.class, () -> ReplyCache.open(folder.resolve("no/file")));
    assertTrue(failed.getMessage().contains("Choose a folder that exists"), failed.getMessage());
  }

  @Test
  void everythingThatIsSentIsInTheKey() {
    String key = ReplyCache.key("judge", ONE);
    assertEquals(64, key.length());
    assertEquals(key, ReplyCache.key("judge", List.copyOf(ONE)));
    assertNotEquals(key, ReplyCache.key("judge 2", ONE));
    assertNotEquals(key, ReplyCache.key("judge", List.of(new ChatMessage(Role.SYSTEM, "one"))));
    assertNotEquals(key, ReplyCache.key("judge", List.of(new ChatMessage(Role.USER, "One"))));
    // Where one text ends and the next begins matters.
    assertNotEquals(
        ReplyCache.key("a", List.of(new ChatMessage(Role.USER, "b"))),
        ReplyCache.key("auserb", List.of()));
    // SHA-256 of the documented bytes, by Python's hashlib.
    assertEquals("ab3adeca7d7bcc2408da75babb47d7bebacf39cd53fc47fe7041d1c60437fbdf", key);
  }

  @Test
  void aConversationIsAskedOnce() {
    Scripted judge = Scripted.saying("4");
    try (ReplyCache cache = ReplyCache.open(folder.resolve("replies.jsonl"))) {
      CachedChatModel cached = new CachedChatModel(judge, cache);
      assertEquals("4", cached.reply(ONE));
      assertEquals("4", cached.reply(ONE));
      assertEquals(1, judge.asked().size());
      assertEquals("scripted", cached.identity());
    }
  }
}
