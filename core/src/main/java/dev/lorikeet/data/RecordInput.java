package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.BadRecordPolicy;
import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.error.DataException;
import dev.lorikeet.error.Spelling;
import dev.lorikeet.source.DataFile;
import dev.lorikeet.source.FileHash;
import dev.lorikeet.source.RecordReader;
import dev.lorikeet.source.SourceRecord;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Samples that are records of a file. The first ones are looked at before any is given. */
final class RecordInput implements SampleInput {
  private final SampleReader.Request request;
  private final DataFile file;
  private final RecordReader records;
  private final ReadFindings findings = new ReadFindings();

  /** Records that were looked at and not given yet. */
  private final Deque<SourceRecord> ahead = new ArrayDeque<>();

  /** What came instead of the record behind those. */
  private Optional<DataException> problemAhead = Optional.empty();

  private final Map<String, String> columns = new LinkedHashMap<>();
  private Format name;

  private RecordInput(SampleReader.Request request, DataFile file, RecordReader records) {
    this.request = request;
    this.file = file;
    this.records = records;
    this.name = request.format();
    columns.putAll(request.columns());
  }

  /** Owns {@code file} and {@code records}. */
  static RecordInput of(SampleReader.Request request, DataFile file, RecordReader records) {
    RecordInput input = new RecordInput(request, file, records);
    try {
      input.lookAhead();
    } catch (RuntimeException failure) {
      records.close();
      throw failure;
    }
    return input;
  }

  private void lookAhead() {
    int wanted = name == Format.AUTO || !columns.isEmpty() ? FormatDetection.LOOKED_AT : 0;
    while (ahead.size() < wanted) {
      Optional<SourceRecord> record;
      try {
        record = records.next();
      } catch (DataException problem) {
        // It is told when its turn comes: what stands before it is good.
        problemAhead = Optional.of(problem);
        break;
      }
      if (record.isEmpty()) {
        break;
      }
      ahead.add(record.get());
    }
    if (ahead.isEmpty()) {
      return;
    }
    requireColumns();
    if (name == Format.AUTO) {
      detect();
    }
  }

  /** Alpaca's further keys change what is learned, so nobody should miss them without knowing. */
  private void lookForUnread() {
    for (String key : name == Format.ALPACA ? List.of("system", "history") : List.<String>of()) {
      boolean there =
          ahead.stream()
              .anyMatch(record ->
                  record.values().get(key) instanceof List<?> list
                      ? !list.isEmpty()
                      : record.has(key) && !"".equals(record.values().get(key)));
      if (there && !request.columns().containsKey(key)) {
        findings.found(
            "data file %s: the key %s is not read; data.columns: {%s: %s} reads it"
                .formatted(request.path(), key, key, key));
      }
    }
  }

  private void detect() {
    Deque<SourceRecord> renamed = new ArrayDeque<>();
    ahead.forEach(record -> renamed.add(record.renamed(columns)));
    FormatDetection found = FormatDetection.of(renamed.stream().toList());
    name = found.format();
    found.columns().forEach(columns::putIfAbsent);
    findings.found(
        "data file %s (%s): format %s, because the first %s %s%s"
            .formatted(
                request.path(),
                file.words(),
                name.spelling(),
                ahead.size() == 1 ? "record has" : ahead.size() + " records have",
                found.why(),
                columns.isEmpty() ? "" : "; columns " + columns));
    lookForUnread();
  }

  /** Names that a recipe gives have to be somewhere. */
  private void requireColumns() {
    Set<String> known = new LinkedHashSet<>();
    ahead.forEach(record -> known.addAll(record.values().keySet()));
    request
        .columns()
        .forEach((key, column) -> {
          if (!known.contains(column)) {
            throw new DataException(
                "data file %s: data.columns says that %s is called \"%s\", but the records have %s%s"
                    .formatted(
                        request.path(),
                        key,
                        column,
                        String.join(", ", known),
                        Spelling.nearest(column, known)
                            .map(near -> "; did you mean " + near + "?")
                            .orElse("")));
          }
        });
  }

  @Override
  public Optional<Sample> next() {
    while (true) {
      try {
        Optional<SourceRecord> record = record();
        if (record.isEmpty()) {
          return Optional.empty();
        }
        findings.read();
        Sample sample = read(record.get().renamed(columns));
        if (sample instanceof Sample.Dialogue dialogue && dialogue.hasEmptyResponse()) {
          if (request.onBadRecord() == BadRecordPolicy.SKIP) {
            throw record.get().problem("the response is empty");
          }
          findings.emptyResponse();
        }
        return Optional.of(sample);
      } catch (DataException problem) {
        if (request.onBadRecord() == BadRecordPolicy.STOP || !canGoOn()) {
          throw problem;
        }
        findings.leftOut(problem);
      }
    }
  }

  /** A record of another format is told as such, not by the key that it lacks. */
  private Sample read(SourceRecord record) {
    try {
      return RecordFormat.of(name, request.columns().keySet()).read(record);
    } catch (DataException problem) {
      Optional<Format> other = FormatDetection.guess(record).filter(format -> format != like(name));
      boolean lacks = String.valueOf(problem.getMessage()).contains("is missing; the record has");
      if (lacks && other.isPresent()) {
        throw new DataException(
            problem.getMessage()
                + "; it looks like format "
                + other.get().spelling()
                + " and not "
                + name.spelling(),
            problem);
      }
      throw problem;
    }
  }

  private static Format like(Format format) {
    return format == Format.PROMPT_COMPLETION ? Format.COMPLETION : format;
  }

  private Optional<SourceRecord> record() {
    if (!ahead.isEmpty()) {
      return Optional.of(ahead.remove());
    }
    if (problemAhead.isPresent()) {
      DataException problem = problemAhead.get();
      problemAhead = Optional.empty();
      findings.read();
      throw problem;
    }
    try {
      return records.next();
    } catch (DataException problem) {
      findings.read();
      throw problem;
    }
  }

  private boolean canGoOn() {
    return !ahead.isEmpty() || problemAhead.isPresent() || records.canGoOn();
  }

  @Override
  public Format format() {
    return name;
  }

  @Override
  public ReadFindings findings() {
    return findings;
  }

  @Override
  public double shareRead() {
    return file.shareRead();
  }

  @Override
  public FileHash hash() {
    return file.hash();
  }

  @Override
  public void close() {
    try {
      records.close();
    } finally {
      file.close();
    }
  }
}
