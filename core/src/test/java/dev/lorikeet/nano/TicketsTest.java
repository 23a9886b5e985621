package dev.lorikeet.nano;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

class TicketsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Tickets tickets = new Tickets(42);

  @Test
  void theSameSeedGivesTheSameRows() {
    var again = new Tickets(42);
    assertEquals(tickets.train(), again.train());
    assertEquals(tickets.validation(), again.validation());
    assertEquals(tickets.test(), again.test());
    assertNotEquals(tickets.test(), new Tickets(43).test());
  }

  @Test
  void theSplitsHaveTheirSizesAndShareNoMessage() {
    assertEquals(1_500, tickets.train().size());
    assertEquals(200, tickets.validation().size());
    assertEquals(200, tickets.test().size());
    Set<String> prompts = new HashSet<>();
    for (Tickets.Row row : all()) {
      assertTrue(prompts.add(row.prompt()), "twice: " + row.prompt());
    }
  }

  @Test
  void noTestMessageIsANearCopyOfATrainingMessage() {
    List<MessageOverlap> train = overlaps(tickets.train());
    double largest = 0;
    for (Tickets.Row row : tickets.test()) {
      MessageOverlap words = MessageOverlap.of(message(row));
      for (MessageOverlap other : train) {
        largest = Math.max(largest, words.with(other));
      }
    }
    assertTrue(largest <= Tickets.LARGEST_OVERLAP, "largest overlap " + largest);
  }

  @Test
  void overlapIsTheJaccardSimilarityOfWordThreeGrams() {
    MessageOverlap message = MessageOverlap.of("My lamp is late, order 12345.");
    assertEquals(1.0, message.with(MessageOverlap.of("my lamp is late. Order 99999")));
    // Four and five 3-grams; "my lamp is" and "lamp is late" are common, so 2 of 7.
    assertEquals(2.0 / 7, message.with(MessageOverlap.of("My lamp is late and old now")), 1e-12);
    assertEquals(0.0, message.with(MessageOverlap.of("Hello there, good people")));
  }

  @Test
  void atLeastThirtyPercentOfTheSentenceTemplatesOccurOnlyInTheTestSplit() {
    var onlyTest = new HashSet<String>();
    var shared = new HashSet<String>();
    for (String list : TicketWriter.sentenceLists()) {
      (list.endsWith(".new") ? onlyTest : shared).addAll(TicketWriter.grammar().templates(list));
    }
    assertTrue(onlyTest.stream().noneMatch(shared::contains));
    double share = (double) onlyTest.size() / (onlyTest.size() + shared.size());
    assertTrue(share >= 0.30, "only " + share + " of the templates are new");
  }

  @Test
  void onlyTheTestSplitUsesTheNewTemplates() {
    for (int i = 0; i < 500; i++) {
      assertFalse(TicketWriter.write(TicketWriter.Templates.SHARED, new Dice(5, i)).usesNew());
    }
    long used =
        LongStream.range(0, 500)
            .filter(i ->
                TicketWriter.write(TicketWriter.Templates.SHARED_AND_NEW, new Dice(5, i)).usesNew())
            .count();
    assertTrue(used > 400, used + " of 500");
  }

  @Test
  void everyCompletionIsATicketWhoseThingAndNumberStandInTheMessage() {
    Grammar grammar = TicketWriter.grammar();
    for (Tickets.Row row : all()) {
      assertTrue(row.completion().startsWith(" {"), row.completion());
      JsonNode ticket = JSON.readTree(row.completion());
      assertEquals(
          List.of("product", "category", "urgency", "order", "wish"),
          List.copyOf(ticket.propertyNames()));
      assertTrue(grammar.templates("categories").contains(text(ticket, "category")));
      assertTrue(grammar.templates("urgencies").contains(text(ticket, "urgency")));
      assertTrue(grammar.templates("wishes").contains(text(ticket, "wish")));
      assertTrue(text(ticket, "order").matches("\\d{5}"), row.completion());
      assertTrue(message(row).contains(text(ticket, "order")), row.prompt());
      assertTrue(message(row).contains(text(ticket, "product")), row.prompt());
      assertFalse(message(row).contains("<"), row.prompt());
    }
  }

  @Test
  void everyLabelIsFrequentInEverySplit() {
    for (List<Tickets.Row> split : List.of(tickets.train(), tickets.validation(), tickets.test())) {
      for (String list : List.of("categories", "urgencies", "wishes")) {
        List<String> labels = TicketWriter.grammar().templates(list);
        for (String label : labels) {
          long count =
              split.stream().filter(row -> row.completion().contains('"' + label + '"')).count();
          assertTrue(
              count * labels.size() * 2 > split.size(), label + " " + count + "/" + split.size());
        }
      }
    }
  }

  @Test
  void noOrderNumberComesBackAndNoMessageNamesTwoOfThem() {
    var orders = new HashSet<String>();
    for (Tickets.Row row : all()) {
      orders.add(text(JSON.readTree(row.completion()), "order"));
      assertFalse(row.prompt().replaceFirst("\\d{5}", "").matches("(?s).*\\d{5}.*"), row.prompt());
    }
    assertTrue(orders.size() > 0.97 * all().size(), orders.size() + " different numbers");
  }

  private static String text(JsonNode ticket, String key) {
    return ticket.get(key).stringValue();
  }

  private static String message(Tickets.Row row) {
    return row.prompt().substring("Message: ".length(), row.prompt().indexOf('\n'));
  }

  private static List<MessageOverlap> overlaps(List<Tickets.Row> rows) {
    return rows.stream().map(row -> MessageOverlap.of(message(row))).toList();
  }

  private static List<Tickets.Row> all() {
    var rows = new ArrayList<>(tickets.train());
    rows.addAll(tickets.validation());
    rows.addAll(tickets.test());
    return rows;
  }
}
