package dev.lorikeet.nano;

import java.util.List;

/**
 * The pre-training text of the embedded base model: everyday and customer-service English, small
 * stories, facts, notes, lists, records, and questions over a text.
 *
 * <p>A document is a pure function of the seed and its index, so text can be made in parallel and
 * continued at any place. The first {@value #WARM_UP} documents are mostly repetitions: short rows
 * said many times, then longer rows. From short ones a model finds out how to copy within a few
 * hundred steps; from long ones it does not.
 */
public final class NanoText {
  /** Documents at the start that are mostly short rows said many times. */
  static final int SHORT_ROWS = 12_000;

  /** Documents at the start that are mostly repetitions; the later half of longer rows. */
  public static final int WARM_UP = 24_000;

  private static final Grammar GRAMMAR =
      Grammar.of(
          "words.txt",
          "stories.txt",
          "service.txt",
          "records.txt",
          "questions.txt",
          "copies.txt",
          "notes.txt");

  private record Share(int percent, DocumentKind kind) {}

  private static final List<Share> FIRST =
      List.of(
          new Share(75, new Echoes(6, 16)),
          new Share(10, new Copies(4)),
          new Share(8, new Records()),
          new Share(4, new Questions()),
          new Share(3, new Service()));

  private static final List<Share> THEN =
      List.of(
          new Share(50, new Echoes(16, 6)),
          new Share(20, new Copies(4)),
          new Share(15, new Records()),
          new Share(10, new Questions()),
          new Share(5, new Service()));

  private static final List<Share> LATER =
      List.of(
          new Share(10, new Echoes(24, 3)),
          new Share(9, new Copies(9)),
          new Share(30, new Records()),
          new Share(18, new Questions()),
          new Share(16, new Service()),
          new Share(10, new Stories()),
          new Share(7, new Notes()));

  private final long seed;

  /** The text that {@code seed} stands for. */
  public NanoText(long seed) {
    this.seed = seed;
  }

  /**
   * Document number {@code index} (0 or more), usually 60 to 300 tokens, without an end mark.
   *
   * @throws IllegalArgumentException if {@code index} is negative
   */
  public String document(long index) {
    if (index < 0) {
      throw new IllegalArgumentException("a document's index starts at 0, found " + index);
    }
    var dice = new Dice(seed, index);
    int choice = dice.below(100);
    for (Share share : shares(index)) {
      choice -= share.percent();
      if (choice < 0) {
        return share.kind().write(new Scope(GRAMMAR, dice));
      }
    }
    throw new IllegalStateException("the shares of the kinds of documents add up to less than 100");
  }

  private static List<Share> shares(long index) {
    if (index < SHORT_ROWS) {
      return FIRST;
    }
    return index < WARM_UP ? THEN : LATER;
  }
}
