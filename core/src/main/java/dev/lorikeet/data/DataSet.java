package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings;
import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.config.DataSettings.Validation;
import dev.lorikeet.config.SourceSettings;
import dev.lorikeet.data.DataProvenance.Source;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.ChatTemplate;
import dev.lorikeet.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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
  private final List<String> notices = new ArrayList<>();
  private Optional<ChatTemplate> template = Optional.empty();

  /** Where the examples of each source begin in the store, and the ids of its records. */
  private final List<Integer> firstPositions = new ArrayList<>();

  private final List<Long> firstIds = new ArrayList<>();
  private final Request request;
  private final StoredExamples train;
  private final StoredExamples validation;
  private final EncodeReport report;
  private final DataProvenance provenance;

  private DataSet(Request request) {
    this.request = request;
    DataSettings settings = request.settings();
    try {
      ExampleStore main = readTrain();
      List<SourceWeight> weights = weights();
      ExampleStore.Copies copies =
          (position, id) -> {
            int source = sourceOf(position);
            return weights.get(source).copies(id - firstIds.get(source));
          };
      switch (settings.validation()) {
        case Validation.File(Path file) -> {
          train = main.split(i -> false, copies).others();
          ExampleStore heldOut = readValidation(file);
          validation = heldOut.split(i -> true).chosen();
          report = main.report().plus(heldOut.report());
        }
        case Validation.Fraction(double share) -> {
          int heldOut = heldOut(main.size(), share, settings);
          ExampleStore.Split split =
              main.split(first(heldOut, main.size(), request.seed())::get, copies);
          train = split.others();
          validation = split.chosen();
          report = main.report();
        }
      }
      provenance =
          new DataProvenance(
              sources, request.tokenizer().sha256(), train.sha256(), validation.sha256());
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  /**
   * What is read and how it becomes examples.
   *
   * @param settings which files
   * @param seed decides which examples are held out, and which are taken of a source whose weight
   *     is no whole number
   * @param tokenizer of the model
   * @param template the model's chat template, if it has one; see {@link #templateClock}
   * @param folder on whose disk the temporary files are made: 16 bytes and 4 a token for an
   *     example, and 16 more to find it
   */
  public record Request(
      DataSettings settings,
      long seed,
      Tokenizer tokenizer,
      Optional<ChatTemplate> template,
      Path folder) {}

  /** The clock that a chat template has to see, so that a run gives the same text any day. */
  public static Clock templateClock() {
    return PromptStyles.CLOCK;
  }

  /**
   * Reads, encodes and splits the files of a request.
   *
   * <p>A share of n examples holds out round(share · n), at least one and never all: the first ones
   * of {@code Shuffle.permutation(n, seed, Shuffle.SPLIT_STREAM)}.
   *
   * @throws DataException naming file, line and key of a record that cannot be used, or the file
   *     that gives no example, or what the disk did not take
   */
  public static DataSet load(Request request) {
    return new DataSet(request);
  }

  /** The same for a model without a chat template. */
  public static DataSet load(DataSettings settings, long seed, Tokenizer tokenizer, Path folder) {
    return load(new Request(settings, seed, tokenizer, Optional.empty(), folder));
  }

  /** The same in the system's folder for temporary files. */
  public static DataSet load(DataSettings settings, long seed, Tokenizer tokenizer) {
    return load(settings, seed, tokenizer, Path.of(System.getProperty("java.io.tmpdir")));
  }

  /** What a person should know: formats that were found out, records that were left out. */
  public List<String> notices() {
    return List.copyOf(notices);
  }

  /** The template that conversations were written by, if one was. */
  public Optional<ChatTemplate> template() {
    return template;
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

  private ExampleStore readTrain() {
    DataSettings settings = request.settings();
    List<SourceSettings> parts = settings.trainSources();
    List<SourceWeight> weights = weights();
    ExampleStore store = store(parts.stream().map(SourceSettings::place).toList());
    for (int i = 0; i < parts.size(); i++) {
      SourceSettings part = parts.get(i);
      SourceWeight weight = weights.get(i);
      firstPositions.add(store.size());
      firstIds.add(store.nextId());
      Map<String, String> columns = new LinkedHashMap<>(settings.columns());
      columns.putAll(part.columns());
      Format format = part.format() == Format.AUTO ? settings.format() : part.format();
      add(
          new SampleReader.Request(
              part.place(), format, columns, part.query(), settings.onBadRecord()),
          store,
          id -> weight.copies(id) > 0);
    }
    return store;
  }

  private ExampleStore readValidation(Path file) {
    DataSettings settings = request.settings();
    ExampleStore store = store(List.of(file));
    add(
        new SampleReader.Request(
            file, settings.format(), settings.columns(), settings.query(), settings.onBadRecord()),
        store,
        id -> true);
    return store;
  }

  private ExampleStore store(List<Path> files) {
    String names = files.stream().map(Path::toString).collect(Collectors.joining(", "));
    ExampleStore store =
        ExampleStore.in(
            request.folder(), (files.size() == 1 ? "data file " : "data files ") + names);
    stores.add(store);
    return store;
  }

  private List<SourceWeight> weights() {
    List<SourceSettings> parts = request.settings().trainSources();
    return IntStream.range(0, parts.size())
        .mapToObj(i -> new SourceWeight(parts.get(i).weight(), request.seed(), i))
        .toList();
  }

  /** Number of the source whose example stands at {@code position}. */
  private int sourceOf(int position) {
    int found = Collections.binarySearch(firstPositions, position);
    // Sources that gave nothing begin where the next one does; the last one there has the example.
    int source = found >= 0 ? found : -found - 2;
    while (source + 1 < firstPositions.size() && firstPositions.get(source + 1) <= position) {
      source++;
    }
    return source;
  }

  private void add(SampleReader.Request what, ExampleStore store, LongPredicate taken) {
    DataSettings settings = request.settings();
    try (SampleReader reader = SampleReader.open(what)) {
      PromptStyle style =
          new PromptStyles(settings.prompt(), request.tokenizer(), request.template())
              .of(reader.format());
      if (style instanceof TemplateStyle written) {
        template = Optional.of(written.template());
      }
      Encoder encoder =
          new Encoder(request.tokenizer(), settings.maxSeqLen(), style, settings.learned());
      EncodeReport added = store.add(reader, encoder, taken);
      sources.add(reader.source());
      String name = "data file " + what.path();
      notices.addAll(reader.findings().sentences(name));
      boolean found = what.format() == Format.AUTO && reader.format() != Format.AUTO;
      if (found && reader.format() != Format.TEXT) {
        notices.add("%s: prompts are written by %s".formatted(name, style.words()));
      }
      requireRecords(what.path(), added, reader.findings());
    }
  }

  private void requireRecords(Path file, EncodeReport added, ReadFindings findings) {
    DataSettings settings = request.settings();
    if (added.records() == 0) {
      throw new DataException(
          findings.leftOutCount() == 0
              ? "data file " + file + " holds no record"
              : "data file %s holds no record that can be used; %s"
                  .formatted(file, String.join("; ", findings.sentences(file.toString()))));
    }
    if (added.examples() == 0) {
      throw new DataException(
          ("data file %s: nothing is left to learn in any of its %d records: with"
                  + " data.max_seq_len %d and data.mask_prompt %s no label survives (the longest"
                  + " record has %d tokens); raise data.max_seq_len")
              .formatted(
                  file,
                  added.records(),
                  settings.maxSeqLen(),
                  settings.maskPrompt(),
                  added.longest()));
    }
  }

  private static int heldOut(int examples, double share, DataSettings settings) {
    if (share == 0) {
      return 0;
    }
    if (examples == 1) {
      throw new DataException(
          "data file "
              + settings.trainSources().getFirst().place()
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
