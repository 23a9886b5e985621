package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.run.MetricsRow;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.run.RunRecord.Artefact;
import dev.lorikeet.run.RunRecord.Level;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class RunsCommandTest {
  private static final String LORA = "20261122-184233-lora-nano";
  private static final String FULL = "20261122-184233-full-nano";

  @TempDir Path temp;
  private final Terminal terminal = new Terminal();

  private void makeRuns() {
    try (RunStore store = RunStore.open(temp, Terminal.CLOCK)) {
      String lora = makeRun(store, "lora", "adapter: {r: 8}\ntrain: {epochs: 1}\n");
      store.append(lora, row(1, 3.5, OptionalDouble.of(3.25)));
      store.append(lora, row(2, 2.5, OptionalDouble.empty()));
      store.event(lora, Level.WARNING, "3 examples are longer than max_seq_len");
      store.artefact(lora, new Artefact("adapter", temp.resolve(lora).resolve("adapter"), "", 7));
      store.finish(lora, RunStatus.FINISHED, Map.of("exact_match", 0.875));
      store.note(lora, "aha: the first\nnote is long enough to be cut in the list");
      String full = makeRun(store, "full", "adapter: {r: 16}\ntrain: {epochs: 1}\n");
      store.append(full, row(1, 1.5, OptionalDouble.empty()));
    }
  }

  private String makeRun(RunStore store, String technique, String recipe) {
    RunDirectory directory = RunDirectory.create(temp, technique, "nano", Terminal.CLOCK);
    return store.create(directory, technique, "nano", recipe, Map.of("seed", 42)).id();
  }

  private static MetricsRow row(int step, double loss, OptionalDouble validationLoss) {
    return new MetricsRow(
        step,
        step / 2.0,
        loss,
        validationLoss,
        OptionalDouble.empty(),
        2e-4,
        1.25,
        new MetricsRow.Tokens(10, 20, 1000),
        new MetricsRow.Usage(0.5, OptionalDouble.empty(), 1L << 20, 3L << 20),
        1_000_000_000L * step);
  }

  private int runs(String... args) {
    String[] all = new String[args.length + 3];
    all[0] = "runs";
    System.arraycopy(args, 0, all, 1, args.length);
    all[args.length + 1] = "--dir";
    all[args.length + 2] = temp.toString();
    return terminal.run(all);
  }

  @Test
  void listIsATableWithTheNewestFirst() {
    makeRuns();

    assertEquals(0, runs("list"), terminal.err());
    assertEquals(
        """
        run                        when              technique  model  steps    loss  validation  status    note
        20261122-184233-full-nano  2026-11-22 18:42  full       nano       1  1.5000           -  running
        20261122-184233-lora-nano  2026-11-22 18:42  lora       nano       2  2.5000      3.2500  finished  aha: the first note is long enough to...
        """,
        terminal.out());
  }

  @Test
  void runsAloneLists() {
    makeRuns();
    runs("list");
    String list = terminal.out();

    assertEquals(0, runs());
    assertEquals(list, terminal.out());
  }

  @Test
  void jsonBeforeAndAfterTheSubcommandIsTheSame() {
    makeRuns();

    assertEquals(0, runs("list", "--json"), terminal.err());
    String after = terminal.out();
    assertEquals(
        List.of(FULL, LORA),
        terminal.json().path("runs").valueStream().map(run -> run.path("id").asString()).toList());
    assertEquals(0, runs("--json", "list"), terminal.err());
    assertEquals(after, terminal.out());
  }

  @Test
  void outputFolderWithoutRunsIsNoMistakeForTheList() {
    assertEquals(0, runs("list"));
    assertEquals("", terminal.out());
    assertEquals("No runs in " + temp + " yet.\n", terminal.err());

    assertEquals(0, runs("list", "--json"));
    assertEquals(temp.toString(), terminal.json().path("dir").asString());
    assertEquals(Terminal.json("[]"), terminal.json().path("runs"));
    assertEquals("", terminal.err());
  }

  @Test
  void outputFolderWithoutRunsIsAMistakeWhereARunIsNamed() {
    assertEquals(2, runs("show", "x"));
    assertEquals(
        "error: There are no runs in "
            + temp
            + " (no runs.db there); name the output folder of the runs with --dir\n",
        terminal.err());
  }

  @Test
  void runWhoseFolderIsGoneIsMarked() throws IOException {
    makeRuns();
    Files.delete(temp.resolve(LORA).resolve("log.txt"));
    Files.delete(temp.resolve(LORA));

    assertEquals(0, runs("list"));
    assertTrue(terminal.out().contains("finished (folder is gone)  aha"), terminal.out());
    assertFalse(terminal.out().contains("running (folder is gone)"), terminal.out());
  }

  @Test
  void showTellsAllAboutARun() {
    makeRuns();

    assertEquals(0, runs("show", LORA), terminal.err());
    assertEquals(
        """
        run        20261122-184233-lora-nano
        status     finished
        began      2026-11-22 18:42
        took       0.0 s
        technique  lora
        model      nano
        folder     DIR/20261122-184233-lora-nano
        adapter    DIR/20261122-184233-lora-nano/adapter

        Result
          exact_match  0.8750

        Measurements
          step  epoch    loss  validation  learning rate  gradient  tokens/s  peak MiB
             1   0.50  3.5000      3.2500       2.00e-04    1.2500      1000         3
             2   1.00  2.5000           -       2.00e-04    1.2500      1000         3

        Events
          2026-11-22 18:42  warning  3 examples are longer than max_seq_len

        Notes
          2026-11-22 18:42  aha: the first
          note is long enough to be cut in the list

        Depends on
          seed  42

        Recipe
          adapter: {r: 8}
          train: {epochs: 1}
        """,
        terminal.out().replace(temp.toString(), "DIR"));
  }

  @Test
  void showAsJsonHoldsEveryMeasurement() {
    makeRuns();

    assertEquals(0, runs("show", LORA, "--json"), terminal.err());
    JsonNode json = terminal.json();
    assertEquals(LORA, json.path("id").asString());
    assertEquals(Terminal.json("{'exact_match': 0.875}"), json.path("summary"));
    assertEquals(Terminal.json("{'seed': 42}"), json.path("provenance"));
    assertEquals(2, json.path("metrics").size());
    assertEquals(3.25, json.path("metrics").path(0).path("validation_loss").asDouble());
  }

  @Test
  void unknownRunIsAnsweredWithTheNearest() {
    makeRuns();

    assertEquals(2, runs("show", "lora"));
    assertEquals(
        "error: No run of " + temp + " is named lora; did you mean " + LORA + "?\n",
        terminal.err());
  }

  @Test
  void diffShowsWhatDiffersAndTheResults() {
    makeRuns();

    assertEquals(0, runs("diff", LORA, FULL), terminal.err());
    assertEquals(
        """
        recipe     20261122-184233-lora-nano  20261122-184233-full-nano
        adapter.r  8                          16

        result                    20261122-184233-lora-nano  20261122-184233-full-nano  difference
        steps                                             2                          1          -1
        train_loss                                   2.5000                     1.5000          -1
        validation_loss                              3.2500                          -           -
        best_validation_loss                         3.2500                          -           -
        tokens_total                                     40                         20         -20
        tokens_per_second_median                      1,000                      1,000           0
        peak_bytes                                3,145,728                  3,145,728           0
        elapsed_seconds                                   2                          1          -1
        exact_match                                  0.8750                          -           -
        """,
        terminal.out());

    assertEquals(0, runs("diff", LORA, FULL, "--json"), terminal.err());
    assertEquals(
        Terminal.json("[{'key': 'adapter.r', 'left': '8', 'right': '16'}]"),
        terminal.json().path("recipe"));
  }

  @Test
  void noteIsKeptWithoutQuotationMarks() {
    makeRuns();

    assertEquals(0, runs("note", "20261122-184233-f", "what", "is", "this?"), terminal.err());
    assertEquals("Noted on " + FULL + ": what is this?\n", terminal.out());
    assertEquals(0, runs("note", FULL, "über", "--json"), terminal.err());
    assertEquals(
        Terminal.json("{'run': '" + FULL + "', 'time': '2026-11-22T18:42:33Z', 'text': 'über'}"),
        terminal.json());
    runs("list");
    assertTrue(terminal.out().contains("running   über"), terminal.out());
  }

  @Test
  void damagedIndexIsToldBySentence() throws IOException {
    Files.writeString(temp.resolve(RunStore.FILE_NAME), "not a database".repeat(500));

    assertEquals(2, runs("list"));
    assertTrue(
        terminal.err().startsWith("error: " + temp.resolve("runs.db") + ": the index of runs is"),
        terminal.err());
    assertFalse(terminal.err().contains("\tat "), terminal.err());
  }
}
