package dev.lorikeet.metric;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Small item results for tests. */
final class Results {
  static final ItemResults.Header HEADER =
      new ItemResults.Header(
          new ItemResults.TaskIdentity("tickets", "1", "0123456789abcdef"),
          "fedcba9876543210",
          60,
          "nano",
          7,
          List.of("exact_match"));

  private Results() {}

  /** Items named by the letters of {@code ids}, with these values of the header's first metric. */
  static ItemResults of(ItemResults.Header header, String ids, double... values) {
    List<ItemResults.ItemResult> items = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      items.add(
          new ItemResults.ItemResult(
              ids.substring(i, i + 1),
              Optional.empty(),
              Optional.of("answer " + i),
              Map.of(header.metrics().getFirst(), ItemScore.of(values[i]))));
    }
    return new ItemResults(header, items);
  }

  static ItemResults.Header header(String metric) {
    return new ItemResults.Header(
        HEADER.task(), HEADER.dataSha256(), 60, "nano", 7, List.of(metric));
  }
}
