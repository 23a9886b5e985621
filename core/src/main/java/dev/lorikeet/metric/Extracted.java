package dev.lorikeet.metric;

import dev.lorikeet.stat.Direction;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Another metric over the part of the answer that an expression finds. */
final class Extracted implements Metric {
  private final Metric metric;
  private final RegexFilter filter;

  Extracted(Metric metric, RegexFilter filter) {
    this.metric = metric;
    this.filter = filter;
  }

  @Override
  public String name() {
    return metric.name();
  }

  @Override
  public Direction direction() {
    return metric.direction();
  }

  @Override
  public Set<Need> needs() {
    return metric.needs();
  }

  @Override
  public Aggregation aggregation() {
    return metric.aggregation();
  }

  @Override
  public Map<String, Double> details(Map<String, Double> sums) {
    return metric.details(sums);
  }

  @Override
  public ItemScore score(Item item) {
    Item.Answer answer = item.answer();
    Item.Answer part =
        new Item.Answer(
            Optional.of(filter.apply(item.generation())), answer.likelihood(), answer.choices());
    return metric.score(new Item(item.id(), item.prompt(), item.references(), item.group(), part));
  }
}
