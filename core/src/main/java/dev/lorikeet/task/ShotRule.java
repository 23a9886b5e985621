package dev.lorikeet.task;

import java.util.ArrayList;
import java.util.List;

/**
 * Which documents stand as examples in front of a document.
 *
 * @param draw how they are chosen
 * @param order the order in which documents are asked
 * @param seed of Python's generator, which goes on from document to document
 */
public record ShotRule(Draw draw, Order order, long seed) {
  /** How examples are chosen. */
  public enum Draw {
    /** The task takes no examples. */
    NONE,
    /** The first n of the pool. */
    FIRST,
    /** n at random from a pool of other documents. */
    SAMPLE,
    /** n + 1 at random, of which the document itself is left out, and then the first n. */
    SAMPLE_OTHERS
  }

  /** The order in which documents are asked. */
  public enum Order {
    /** The order of the file. */
    FILE,
    /** Shuffled by the generator that draws the examples afterwards, as in 2023. */
    SHUFFLED
  }

  private static final long SEED = 1234;
  private static final long SEED_2023 = 42;

  /** The rule of today's harness. */
  static ShotRule today(Draw draw) {
    return new ShotRule(draw, Order.FILE, SEED);
  }

  /** The rule of {@code era}. */
  static ShotRule of(Era era, Draw draw) {
    return era == Era.TODAY ? today(draw) : new ShotRule(draw, Order.SHUFFLED, SEED_2023);
  }

  /** Draws for the documents of one run, in their order. */
  Drawing over(List<Doc> pool, int shots) {
    return new Drawing(this, pool, shots);
  }

  /** The state of one run. */
  static final class Drawing {
    private final ShotRule rule;
    private final List<Doc> pool;
    private final int shots;
    private final PythonRandom random;

    private Drawing(ShotRule rule, List<Doc> pool, int shots) {
      this.rule = rule;
      this.pool = pool;
      this.shots = shots;
      this.random = new PythonRandom(rule.seed);
    }

    /** The documents in the order in which they are asked; called once, before any examples. */
    List<Doc> ordered(List<Doc> documents) {
      List<Doc> ordered = new ArrayList<>(documents);
      if (rule.order == Order.SHUFFLED) {
        random.shuffle(ordered);
      }
      return ordered;
    }

    /** The examples in front of {@code doc}. */
    List<Doc> examples(Doc doc) {
      if (shots == 0) {
        return List.of();
      }
      return switch (rule.draw) {
        case NONE -> List.of();
        case FIRST -> pool.subList(0, shots);
        case SAMPLE -> random.sample(pool, shots);
        case SAMPLE_OTHERS -> others(doc);
      };
    }

    private List<Doc> others(Doc doc) {
      List<Doc> drawn = without(random.sample(pool, shots + 1), doc);
      boolean isEnough = drawn.size() >= shots || rule.order == Order.SHUFFLED;
      // Equal documents may all be drawn and left out; today's harness then draws once more.
      List<Doc> kept = isEnough ? drawn : random.sample(without(pool, doc), shots);
      return kept.subList(0, Math.min(shots, kept.size()));
    }

    private static List<Doc> without(List<Doc> docs, Doc doc) {
      return docs.stream().filter(each -> !each.content().equals(doc.content())).toList();
    }
  }

  /** How many documents the pool must have for {@code shots} examples. */
  int needed(int shots) {
    return draw == Draw.SAMPLE_OTHERS ? shots + 1 : shots;
  }
}
