package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.run.MetricsRow;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunRecord.Artefact;
import dev.lorikeet.run.RunRecord.Event;
import dev.lorikeet.run.RunStore;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lorikeet runs show RUN}. */
@Command(name = "show", description = "Shows a run: result, measurements, notes and settings.")
final class RunsShowCommand implements Callable<Integer> {
  private static final int MOST_STEPS = 12;

  private final RunsCommand runs;

  @Parameters(paramLabel = "RUN", description = "The run's id, or the beginning of it.")
  private String run = "";

  RunsShowCommand(RunsCommand runs) {
    this.runs = runs;
  }

  @Override
  public Integer call() {
    try (RunStore store = runs.store()) {
      RunRecord found = store.get(run);
      if (runs.jsonWanted()) {
        runs.console().json(json(found, store));
      } else {
        print(found, store);
      }
    }
    return 0;
  }

  private static Map<String, Object> json(RunRecord run, RunStore store) {
    Map<String, Object> json = new LinkedHashMap<>(RunText.json(run));
    json.put("summary", run.summary());
    json.put("provenance", run.provenance());
    json.put("recipe", run.recipe());
    json.put("events", store.events(run.id()).stream().map(RunsShowCommand::json).toList());
    json.put("artefacts", store.artefacts(run.id()).stream().map(RunsShowCommand::json).toList());
    json.put("metrics", store.metrics(run.id()).stream().map(MetricsRow::toJson).toList());
    return json;
  }

  private static Map<String, Object> json(Event event) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("time", event.time().toString());
    json.put("level", event.level().name().toLowerCase(Locale.ROOT));
    json.put("text", event.text());
    return json;
  }

  private static Map<String, Object> json(Artefact artefact) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("kind", artefact.kind());
    json.put("path", artefact.path().toString());
    json.put("sha256", artefact.sha256());
    json.put("bytes", artefact.bytes());
    return json;
  }

  private void print(RunRecord run, RunStore store) {
    Table facts = new Table(Column.left("run"), Column.left(run.id()));
    facts.row("status", RunText.status(run));
    facts.row("began", RunText.time(run.created(), runs.console().clock()));
    run.finished()
        .ifPresent(
            end -> facts.row("took", Amounts.duration(Duration.between(run.created(), end))));
    facts.row("technique", run.technique());
    facts.row("model", run.model());
    facts.row("folder", run.folder().toString());
    for (Artefact artefact : store.artefacts(run.id())) {
      facts.row(artefact.kind(), artefact.path().toString());
    }
    runs.console().result(facts.toString());
    section("Result", values(run.summary()));
    section("Measurements", measurements(store.metrics(run.id())));
    section("Events", events(store.events(run.id())));
    section("Notes", notes(run));
    section("Depends on", values(run.provenance()));
    section("Recipe", run.recipe().strip());
  }

  private void section(String title, String text) {
    if (!text.isEmpty()) {
      runs.console().result("");
      runs.console().result(title);
      text.lines().forEach(line -> runs.console().result("  " + line));
    }
  }

  private static String values(Map<String, Object> values) {
    int width = values.keySet().stream().mapToInt(String::length).max().orElse(0);
    StringBuilder text = new StringBuilder();
    values.forEach((key, value) ->
        text.append(key)
            .append(" ".repeat(width - key.length() + 2))
            .append(value instanceof Double number ? RunText.number(number) : value)
            .append('\n'));
    return text.toString();
  }

  /** At most {@link #MOST_STEPS} rows, evenly spread, the first and the last among them. */
  private static String measurements(List<MetricsRow> rows) {
    if (rows.isEmpty()) {
      return "";
    }
    Table table =
        new Table(
            Column.right("step"),
            Column.right("epoch"),
            Column.right("loss"),
            Column.right("validation"),
            Column.right("learning rate"),
            Column.right("gradient"),
            Column.right("tokens/s"),
            Column.right("peak MiB"));
    int shown = Math.min(rows.size(), MOST_STEPS);
    for (int i = 0; i < shown; i++) {
      MetricsRow row = rows.get(shown == 1 ? 0 : i * (rows.size() - 1) / (shown - 1));
      table.row(
          Integer.toString(row.step()),
          String.format(Locale.ROOT, "%.2f", row.epoch()),
          RunText.number(row.trainLoss()),
          RunText.number(row.validationLoss()),
          String.format(Locale.ROOT, "%.2e", row.learningRate()),
          RunText.number(row.gradNorm()),
          String.format(Locale.ROOT, "%.0f", row.tokens().perSecond()),
          Long.toString(row.usage().peakBytes() >> 20));
    }
    return table.toString();
  }

  private String events(List<Event> events) {
    StringBuilder text = new StringBuilder();
    for (Event event : events) {
      text.append(RunText.time(event.time(), runs.console().clock()))
          .append("  ")
          .append(event.level().name().toLowerCase(Locale.ROOT))
          .append("  ")
          .append(event.text())
          .append('\n');
    }
    return text.toString();
  }

  private String notes(RunRecord run) {
    StringBuilder text = new StringBuilder();
    run.notes()
        .forEach(note ->
            text.append(RunText.time(note.time(), runs.console().clock()))
                .append("  ")
                .append(note.text())
                .append('\n'));
    return text.toString();
  }
}
