package dev.lorikeet.metric;

import java.util.Set;

/**
 * Whether the answer is JSON. A bare number, text, true, false or null is JSON, too.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8259">RFC 8259</a>
 */
final class ValidJson implements Metric {
  private final JsonText.Place place;

  ValidJson(JsonText.Place place) {
    this.place = place;
  }

  @Override
  public String name() {
    return "valid_json";
  }

  @Override
  public Set<Need> needs() {
    return Set.of(Need.GENERATION);
  }

  @Override
  public Aggregation aggregation() {
    return new Aggregation.Share();
  }

  @Override
  public ItemScore score(Item item) {
    return ItemScore.right(JsonText.read(item.generation(), place).isPresent());
  }
}
