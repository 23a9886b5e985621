package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Learns a byte-level BPE vocabulary: starts from the 256 bytes and merges the most frequent pair
 * of neighbouring symbols again and again.
 *
 * <p>Of equally frequent pairs the one that comes first in dictionary order is merged, so the same
 * text gives the same vocabulary.
 *
 * @see <a href="https://arxiv.org/abs/1508.07909">Sennrich et al. 2016, algorithm 1</a>
 */
public final class BpeTrainer {
  /** The token that ends a document; its id is 0, and it also serves as unknown token. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  /** Tokens with the first ids, as in SmolLM2: end of text, start and end of a chat turn. */
  public static final List<String> SPECIALS = List.of(END_OF_TEXT, "<|im_start|>", "<|im_end|>");

  private static final int SMALLEST = 256 + SPECIALS.size();

  private record Pair(String left, String right) implements Comparable<Pair> {
    private static final Comparator<Pair> ORDER =
        Comparator.comparing(Pair::left).thenComparing(Pair::right);

    String merged() {
      return left + right;
    }

    @Override
    public int compareTo(Pair other) {
      return ORDER.compare(this, other);
    }
  }

  private record Candidate(Pair pair, long count) {}

  private static final class Word {
    private final long count;
    private List<String> symbols;

    Word(String text, long count) {
      this.count = count;
      this.symbols = text.chars().mapToObj(c -> String.valueOf((char) c)).toList();
    }

    void merge(Pair pair) {
      var merged = new ArrayList<String>(symbols.size());
      for (int i = 0; i < symbols.size(); i++) {
        boolean hit =
            i + 1 < symbols.size()
                && symbols.get(i).equals(pair.left())
                && symbols.get(i + 1).equals(pair.right());
        merged.add(hit ? pair.merged() : symbols.get(i));
        i += hit ? 1 : 0;
      }
      symbols = List.copyOf(merged);
    }
  }

  private final int vocabularySize;
  private final Map<Pair, Long> counts = new HashMap<>();
  private final Map<Pair, Set<Word>> places = new HashMap<>();
  private final PriorityQueue<Candidate> queue =
      new PriorityQueue<>(
          Comparator.comparingLong(Candidate::count).reversed().thenComparing(Candidate::pair));

  private BpeTrainer(int vocabularySize) {
    this.vocabularySize = vocabularySize;
  }

  /**
   * Learns from {@code documents} a vocabulary of {@code vocabularySize} tokens, specials and bytes
   * included; fewer where the text has no pair left that occurs twice.
   *
   * @throws IllegalArgumentException if {@code vocabularySize} does not hold the bytes and specials
   */
  public static BpeVocabulary train(Stream<String> documents, int vocabularySize) {
    if (vocabularySize < SMALLEST) {
      throw new IllegalArgumentException(
          "a byte-level vocabulary has at least "
              + SMALLEST
              + " tokens (256 bytes and "
              + SPECIALS.size()
              + " specials), found "
              + vocabularySize);
    }
    return new BpeTrainer(vocabularySize).learn(documents);
  }

  private BpeVocabulary learn(Stream<String> documents) {
    var preTokenizer = new PreTokenizer();
    var pieces = new LinkedHashMap<String, Long>();
    documents.forEachOrdered(
        text -> preTokenizer.pieces(text).forEach(piece -> pieces.merge(piece, 1L, Long::sum)));
    pieces.forEach((piece, count) -> register(new Word(piece, count)));
    counts.forEach((pair, count) -> queue.add(new Candidate(pair, count)));

    var tokens = new ArrayList<String>(SPECIALS);
    tokens.addAll(PreTokenizer.sortedAlphabet());
    var known = new HashSet<>(tokens);
    var merges = new ArrayList<List<String>>();
    while (tokens.size() < vocabularySize) {
      Candidate best = queue.poll();
      if (best == null || best.count() < 2) {
        break;
      }
      if (counts.getOrDefault(best.pair(), 0L) != best.count()) {
        continue; // the count changed since this candidate was queued; the newer one is queued too
      }
      merges.add(List.of(best.pair().left(), best.pair().right()));
      if (known.add(best.pair().merged())) {
        tokens.add(best.pair().merged());
      }
      merge(best.pair());
    }
    return new BpeVocabulary(tokens, merges);
  }

  private void merge(Pair pair) {
    var touched = new HashSet<Pair>();
    for (Word word : List.copyOf(places.getOrDefault(pair, Set.of()))) {
      touched.addAll(unregister(word));
      word.merge(pair);
      touched.addAll(register(word));
    }
    for (Pair changed : touched) {
      queue.add(new Candidate(changed, counts.getOrDefault(changed, 0L)));
    }
  }

  private Set<Pair> register(Word word) {
    Set<Pair> pairs = new HashSet<>();
    for (int i = 0; i + 1 < word.symbols.size(); i++) {
      var pair = new Pair(word.symbols.get(i), word.symbols.get(i + 1));
      counts.merge(pair, word.count, Long::sum);
      places.computeIfAbsent(pair, any -> new HashSet<>()).add(word);
      pairs.add(pair);
    }
    return pairs;
  }

  private Set<Pair> unregister(Word word) {
    Set<Pair> pairs = new HashSet<>();
    for (int i = 0; i + 1 < word.symbols.size(); i++) {
      var pair = new Pair(word.symbols.get(i), word.symbols.get(i + 1));
      counts.merge(pair, -word.count, Long::sum);
      Set<Word> words = places.get(pair);
      if (words != null) {
        words.remove(word);
      }
      pairs.add(pair);
    }
    return pairs;
  }
}
