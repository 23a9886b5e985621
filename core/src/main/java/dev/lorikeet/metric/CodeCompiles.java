package dev.lorikeet.metric;

import java.util.Set;

/**
 * Whether a command of the user's accepts the code in the answer: the first block between {@code
 * ```} lines, or the whole answer where there is none.
 */
final class CodeCompiles implements Metric {
  private final CheckCommand command;

  CodeCompiles(CheckCommand command) {
    this.command = command;
  }

  @Override
  public String name() {
    return "code_compiles";
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
    return ItemScore.right(command.accepts(JsonText.code(item.generation())));
  }
}
