package dev.lorikeet.cli;

import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunStore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lorikeet runs note RUN TEXT}. */
@Command(name = "note", description = "Keeps what you learned from a run with it.")
final class RunsNoteCommand implements Callable<Integer> {
  private final RunsCommand runs;

  @Parameters(index = "0", paramLabel = "RUN", description = "The run's id or its beginning.")
  private String run = "";

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "TEXT",
      description = "The note; needs no quotation marks.")
  private List<String> words = List.of();

  RunsNoteCommand(RunsCommand runs) {
    this.runs = runs;
  }

  @Override
  public Integer call() {
    try (RunStore store = runs.store()) {
      RunRecord found = store.get(run);
      RunRecord.Note note = store.note(found.id(), String.join(" ", words));
      if (runs.jsonWanted()) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("run", found.id());
        json.putAll(RunText.json(note));
        runs.console().json(json);
      } else {
        runs.console().result("Noted on " + found.id() + ": " + note.text());
      }
    }
    return 0;
  }
}
