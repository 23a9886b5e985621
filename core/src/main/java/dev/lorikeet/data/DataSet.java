package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings;
import dev.lorikeet.config.DataSettings.Validation;
import dev.lorikeet.data.DataProvenance.Source;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The examples of a run, split into those trained on and those held out, both in source order.
 *
 * @param train at least one example
 * @param validation held-out examples, possibly none; from a file of its own their ids start at 0
 *     again
 * @param report what became of the records of all files
 * @param provenance hashes of all stages
 */
public record DataSet(
    List<Example> train, List<Example> validation, EncodeReport report, DataProvenance provenance) {

  public DataSet {
    train = List.copyOf(train);
    validation = List.copyOf(validation);
    if (train.isEmpty()) {
      throw new IllegalArgumentException("a data set has at least one training example");
    }
  }

  /**
   * Reads, encodes and splits the files of {@code settings}.
   *
   * <p>A share of n examples holds out round(share · n), at least one and never all: the first ones
   * of {@code Shuffle.permutation(n, seed, Shuffle.SPLIT_STREAM)}.
   *
   * @param seed decides which examples are held out
   * @throws DataException naming file, line and key of a record that cannot be used, or the file
   *     that gives no example
   */
  public static DataSet load(DataSettings settings, long seed, Tokenizer tokenizer) {
    Encoder encoder =
        new Encoder(
            tokenizer,
            settings.maxSeqLen(),
            settings.maskPrompt() ? Encoder.PromptLoss.MASKED : Encoder.PromptLoss.TRAINED);
    List<Source> sources = new ArrayList<>();
    Encoder.Encoded main = read(settings.train(), settings, encoder, sources);
    List<Example> train = new ArrayList<>();
    List<Example> validation = new ArrayList<>();
    EncodeReport report = main.report();
    switch (settings.validation()) {
      case Validation.File(Path file) -> {
        Encoder.Encoded heldOut = read(file, settings, encoder, sources);
        train.addAll(main.examples());
        validation.addAll(heldOut.examples());
        report = report.plus(heldOut.report());
      }
      case Validation.Fraction(double share) -> {
        int heldOut = heldOut(main.examples().size(), share, settings);
        boolean[] held = chosen(main.examples().size(), heldOut, seed);
        for (int i = 0; i < held.length; i++) {
          (held[i] ? validation : train).add(main.examples().get(i));
        }
      }
    }
    return new DataSet(
        train,
        validation,
        report,
        new DataProvenance(
            sources, tokenizer.sha256(), Fingerprint.of(train), Fingerprint.of(validation)));
  }

  /**
   * Checks that a model can look up every token.
   *
   * @param vocabularySize rows of the model's embedding
   * @throws DataException naming the tokenizer, the id, its text and the rows
   */
  public void requireWithin(int vocabularySize, Tokenizer tokenizer) {
    for (List<Example> part : List.of(train, validation)) {
      for (Example example : part) {
        tokenizer.requireWithin(example.tokens(), vocabularySize);
      }
    }
  }

  /** Length of the longest example in tokens. */
  public int longestExample() {
    return Stream.concat(train.stream(), validation.stream())
        .mapToInt(Example::length)
        .max()
        .orElse(0);
  }

  private static Encoder.Encoded read(
      Path file, DataSettings settings, Encoder encoder, List<Source> sources) {
    try (SampleReader reader = SampleReader.open(file, settings.format())) {
      Encoder.Encoded encoded = encoder.encode(reader);
      sources.add(reader.source());
      if (encoded.report().records() == 0) {
        throw new DataException("data file " + file + " holds no record");
      }
      if (encoded.examples().isEmpty()) {
        throw new DataException(
            ("data file %s: nothing is left to learn in any of its %d records: with"
                    + " data.max_seq_len %d and data.mask_prompt %s no label survives (the longest"
                    + " record has %d tokens); raise data.max_seq_len")
                .formatted(
                    file,
                    encoded.report().records(),
                    settings.maxSeqLen(),
                    settings.maskPrompt(),
                    encoded.report().longest()));
      }
      return encoded;
    }
  }

  private static int heldOut(int examples, double share, DataSettings settings) {
    if (share == 0) {
      return 0;
    }
    if (examples == 1) {
      throw new DataException(
          "data file "
              + settings.train()
              + " gives 1 example, which cannot be split by data.validation "
              + share
              + "; set data.validation to 0 or name a file");
    }
    return Math.clamp(Math.round(share * examples), 1, examples - 1);
  }

  private static boolean[] chosen(int examples, int count, long seed) {
    int[] permutation = Shuffle.permutation(examples, seed, Shuffle.SPLIT_STREAM);
    boolean[] chosen = new boolean[examples];
    for (int i = 0; i < count; i++) {
      chosen[permutation[i]] = true;
    }
    return chosen;
  }
}
