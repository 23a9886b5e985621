package dev.lorikeet.nano;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class NanoTextTest {
  private static final int SAMPLE = 4_000;
  private static final Pattern SLOT = Pattern.compile("<[^>]*>");

  @Test
  void aDocumentDependsOnSeedAndIndexAlone() {
    var forwards = new NanoText(42);
    var backwards = new NanoText(42);
    for (int i = 0; i < 200; i++) {
      backwards.document(200 - i);
      assertEquals(forwards.document(i), backwards.document(i), "document " + i);
    }
    List<String> parallel =
        LongStream.range(0, 500).parallel().mapToObj(forwards::document).toList();
    assertEquals(LongStream.range(0, 500).mapToObj(backwards::document).toList(), parallel);
  }

  @Test
  void anotherSeedGivesOtherDocuments() {
    long same =
        LongStream.range(0, 500)
            .filter(i -> new NanoText(1).document(i).equals(new NanoText(2).document(i)))
            .count();
    assertEquals(0, same);
  }

  @Test
  void hardlyAnyDocumentAppearsTwice() {
    var seen = new HashSet<String>();
    sample().forEach(seen::add);
    assertTrue(seen.size() > SAMPLE * 0.99, seen.size() + " of " + SAMPLE + " are different");
  }

  @Test
  void everySlotIsFilled() {
    sample()
        .forEach(text -> {
          assertFalse(text.contains("=>"), text);
          assertFalse(text.contains("|") || text.contains("##"), text);
          assertFalse(SLOT.matcher(text).find(), text);
          assertFalse(text.isBlank());
        });
  }

  @Test
  void noDocumentHoldsTheLayoutOfATicket() {
    var ticketKeys = Pattern.compile("\"product\":.*\"urgency\":|\"urgency\":.*\"wish\":");
    sample().forEach(text -> assertFalse(ticketKeys.matcher(text).find(), text));
  }

  @Test
  void everyWordOfATicketIsFrequentInQuotes() {
    Map<String, Integer> counts = new HashMap<>();
    var quoted = Pattern.compile("\"(\\w+)\"");
    sample()
        .forEach(text ->
            quoted
                .matcher(text)
                .results()
                .forEach(match -> counts.merge(match.group(1), 1, Integer::sum)));
    var words = new HashSet<>(List.of("product", "category", "urgency", "order", "wish"));
    for (String list : List.of("item", "categories", "wishes", "urgencies")) {
      words.addAll(TicketWriter.grammar().templates(list));
    }
    for (String word : words) {
      assertTrue(
          counts.getOrDefault(word, 0) >= SAMPLE / 400, word + " " + counts.getOrDefault(word, 0));
    }
  }

  @Test
  void noSentenceThatOnlyTestMessagesUseIsPartOfTheText() {
    String text = String.join("\n", sample()).toLowerCase(Locale.ROOT);
    for (String list : TicketWriter.sentenceLists()) {
      if (!list.endsWith(".new") || list.contains("urgency")) {
        continue;
      }
      for (String template : TicketWriter.grammar().templates(list)) {
        String longest = "";
        for (String part : SLOT.split(template, -1)) {
          longest = part.length() > longest.length() ? part : longest;
        }
        if (longest.strip().split(" ", -1).length >= 4) {
          assertFalse(text.contains(longest.toLowerCase(Locale.ROOT)), template);
        }
      }
    }
  }

  @Test
  void theFirstDocumentsTeachCopying() {
    var text = new NanoText(42);
    double early = LongStream.range(0, 500).mapToDouble(i -> repeated(text.document(i))).sum();
    double late =
        LongStream.range(50_000, 50_500).mapToDouble(i -> repeated(text.document(i))).sum();
    assertTrue(early > 2 * late, early / 500 + " early, " + late / 500 + " late");
    assertTrue(late > 0, "later documents repeat nothing");
  }

  @Test
  void aNegativeIndexIsRefused() {
    var refused = assertThrows(IllegalArgumentException.class, () -> new NanoText(1).document(-1));
    assertEquals("a document's index starts at 0, found -1", refused.getMessage());
  }

  /** The share of a document's word 3-grams that it said before. */
  private static double repeated(String text) {
    String[] words = text.split("\\W+", -1);
    var seen = new HashSet<List<String>>();
    for (int i = 0; i + 3 <= words.length; i++) {
      seen.add(List.of(words[i], words[i + 1], words[i + 2]));
    }
    return words.length < 3 ? 0 : 1 - seen.size() / (words.length - 2.0);
  }

  private static List<String> sample() {
    var text = new NanoText(42);
    return LongStream.range(NanoText.WARM_UP, NanoText.WARM_UP + SAMPLE)
        .mapToObj(text::document)
        .toList();
  }
}
