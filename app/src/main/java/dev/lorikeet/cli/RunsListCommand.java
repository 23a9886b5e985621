package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunStore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code lorikeet runs list}. */
@Command(name = "list", description = "Lists all runs, the newest first.")
final class RunsListCommand implements Callable<Integer> {
  private static final int LONGEST_NOTE = 40;

  private final RunsCommand runs;

  RunsListCommand(RunsCommand runs) {
    this.runs = runs;
  }

  @Override
  public Integer call() {
    List<RunRecord> records = records();
    Console console = runs.console();
    if (runs.jsonWanted()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("dir", runs.dir().toAbsolutePath().normalize().toString());
      json.put("runs", records.stream().map(RunText::json).toList());
      console.json(json);
    } else if (records.isEmpty()) {
      console.message("No runs in " + runs.dir().toAbsolutePath().normalize() + " yet.");
    } else {
      console.result(table(records).toString());
    }
    return 0;
  }

  private List<RunRecord> records() {
    Optional<RunStore> present = RunStore.openIfPresent(runs.dir(), runs.console().clock());
    if (present.isEmpty()) {
      return List.of();
    }
    try (RunStore store = present.get()) {
      return store.list();
    }
  }

  private Table table(List<RunRecord> records) {
    Table table =
        new Table(
            Column.left("run"),
            Column.left("when"),
            Column.left("technique"),
            Column.left("model"),
            Column.right("steps"),
            Column.right("loss"),
            Column.right("validation"),
            Column.left("status"),
            Column.left("note"));
    for (RunRecord run : records) {
      table.row(
          run.id(),
          RunText.time(run.created(), runs.console().clock()),
          run.technique(),
          run.model(),
          Integer.toString(run.progress().steps()),
          RunText.number(run.progress().trainLoss()),
          RunText.number(run.progress().validationLoss()),
          RunText.status(run),
          run.notes().isEmpty() ? "" : Table.shortened(run.notes().getLast().text(), LONGEST_NOTE));
    }
    return table;
  }
}
