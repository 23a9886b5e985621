package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings;
import dev.lorikeet.config.DataSettings.Validation;
import dev.lorikeet.data.DataProvenance.Source;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;

/**
 * The examples of a run, split into those trained on and those held out, both in source order.
 *
 * <p>They lie encoded in temporary files that belong to the data set: memory does not grow with the
 * data. {@link #close} deletes them, as does the end of the process; examples that were read before
 * stay valid.
 *
 * <p>Two data sets are equal if their examples, reports and provenance are.
 */
public final class DataSet implements AutoCloseable {
  private final List<ExampleStore> stores = new ArrayList<>();
  private final List<Source> sources = new ArrayList<>();
  private final StoredExamples train;
  private final StoredExamples validation;
  private final EncodeReport report;
  private final DataProvenance provenance;

  private DataSet(DataSettings settings, long seed, Tokenizer tokenizer, Path folder) {
    try {
      Encoder encoder =
          new Encoder(
              tokenizer,
              settings.maxSeqLen(),
              settings.maskPrompt() ? Encoder.PromptLoss.MASKED : Encoder.PromptLoss.TRAINED);
      ExampleStore main = read(settings.train(), settings, encoder, folder);
      switch (settings.validation()) {
        case Validation.File(Path file) -> {
          ExampleStore heldOut = read(file, settings, encoder, folder);
          train = main.split(i -> true).chosen();
          validation = heldOut.split(i -> true).chosen();
          report = main.report().plus(heldOut.report());
        }
        case Validation.Fraction(double share) -> {
          int heldOut = heldOut(main.size(), share, settings);
          ExampleStore.Split split = main.split(first(heldOut, main.size(), seed)::get);
          train = split.others();
          validation = split.chosen();
          report = main.report();
        }
      }
      provenance =
          new DataProvenance(sources, tokenizer.sha256(), train.sha256(), validation.sha256());
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  /**
   * Reads, encodes and splits the files of {@code settings}.
   *
   * <p>A share of n examples holds out round(share · n), at least one and never all: the first ones
   * of {@code Shuffle.permutation(n, seed, Shuffle.SPLIT_STREAM)}.
   *
   * @param seed decides which examples are held out
   * @param folder on whose disk the temporary files are made: 16 bytes and 4 a token for an
   *     example, and 16 more to find it
   * @throws DataException naming file, line and key of a record that cannot be used, or the file
   *     that gives no example, or what the disk did not take
   */
  public static DataSet load(DataSettings settings, long seed, Tokenizer tokenizer, Path folder) {
    return new DataSet(settings, seed, tokenizer, folder);
  }

  /** The same in the system's folder for temporary files. */
  public static DataSet load(DataSettings settings, long seed, Tokenizer tokenizer) {
    return load(settings, seed, tokenizer, Path.of(System.getProperty("java.io.tmpdir")));
  }

  /** The examples to train on, at least one. */
  public Examples train() {
    return train;
  }

  /** Held-out examples, possibly none; from a file of its own their ids start at 0 again. */
  public Examples validation() {
    return validation;
  }

  /** What became of the records of all files. */
  public EncodeReport report() {
    return report;
  }

  /** Hashes of all stages. */
  public DataProvenance provenance() {
    return provenance;
  }

  /**
   * Checks that a model can look up every token.
   *
   * @param vocabularySize rows of the model's embedding
   * @throws DataException naming the tokenizer, the id, its text and the rows
   */
  public void requireWithin(int vocabularySize, Tokenizer tokenizer) {
    for (Examples part : List.of(train, validation)) {
      if (part.highestToken() >= vocabularySize) {
        part.forEach(example -> tokenizer.requireWithin(example.tokens(), vocabularySize));
      }
    }
  }

  /** Length of the longest example in tokens. */
  public int longestExample() {
    return Math.max(train.longestLength(), validation.longestLength());
  }

  private ExampleStore read(Path file, DataSettings settings, Encoder encoder, Path folder) {
    try (SampleReader reader = SampleReader.open(file, settings.format())) {
      ExampleStore store = ExampleStore.encode(folder, reader, encoder);
      stores.add(store);
      sources.add(reader.source());
      if (store.report().records() == 0) {
        throw new DataException("data file " + file + " holds no record");
      }
      if (store.size() == 0) {
        throw new DataException(
            ("data file %s: nothing is left to learn in any of its %d records: with"
                    + " data.max_seq_len %d and data.mask_prompt %s no label survives (the longest"
                    + " record has %d tokens); raise data.max_seq_len")
                .formatted(
                    file,
                    store.report().records(),
                    settings.maxSeqLen(),
                    settings.maskPrompt(),
                    store.report().longest()));
      }
      return store;
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

  /** The first {@code count} of the split's permutation. */
  private static BitSet first(int count, int examples, long seed) {
    BitSet first = new BitSet(examples);
    if (count > 0) {
      int[] permutation = Shuffle.permutation(examples, seed, Shuffle.SPLIT_STREAM);
      for (int i = 0; i < count; i++) {
        first.set(permutation[i]);
      }
    }
    return first;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DataSet that
        && train.equals(that.train)
        && validation.equals(that.validation)
        && report.equals(that.report)
        && provenance.equals(that.provenance);
  }

  @Override
  public int hashCode() {
    return Objects.hash(report, provenance);
  }

  /** Deletes the temporary files. */
  @Override
  public void close() {
    stores.forEach(ExampleStore::close);
  }
}
