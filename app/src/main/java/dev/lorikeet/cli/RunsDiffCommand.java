package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.run.RunDiff;
import dev.lorikeet.run.RunStore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lorikeet runs diff RUN RUN}. */
@Command(
    name = "diff",
    description = "Shows the recipe keys that differ and the measurements side by side.")
final class RunsDiffCommand implements Callable<Integer> {
  private static final String ABSENT = "-";

  private final RunsCommand runs;

  @Parameters(index = "0", paramLabel = "RUN", description = "The first run's id or its beginning.")
  private String left = "";

  @Parameters(index = "1", paramLabel = "RUN", description = "The second run's.")
  private String right = "";

  RunsDiffCommand(RunsCommand runs) {
    this.runs = runs;
  }

  @Override
  public Integer call() {
    RunDiff diff;
    try (RunStore store = runs.store()) {
      diff = store.diff(left, right);
    }
    if (runs.jsonWanted()) {
      runs.console().json(json(diff));
    } else {
      print(diff);
    }
    return 0;
  }

  private static Map<String, Object> json(RunDiff diff) {
    List<Object> recipe = new ArrayList<>();
    for (RunDiff.Difference difference : diff.recipe()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("key", difference.key());
      difference.left().ifPresent(value -> entry.put("left", value));
      difference.right().ifPresent(value -> entry.put("right", value));
      recipe.add(entry);
    }
    List<Object> results = new ArrayList<>();
    for (RunDiff.Result result : diff.results()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", result.name());
      finite(result.left()).ifPresent(value -> entry.put("left", value));
      finite(result.right()).ifPresent(value -> entry.put("right", value));
      results.add(entry);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("left", diff.left());
    json.put("right", diff.right());
    json.put("recipe", recipe);
    json.put("results", results);
    return json;
  }

  /** JSON has no word for a number that is none. */
  private static OptionalDouble finite(OptionalDouble value) {
    return value.stream().filter(Double::isFinite).findFirst();
  }

  private void print(RunDiff diff) {
    Table recipe =
        new Table(Column.left("recipe"), Column.left(diff.left()), Column.left(diff.right()));
    for (RunDiff.Difference difference : diff.recipe()) {
      recipe.row(
          difference.key(), difference.left().orElse(ABSENT), difference.right().orElse(ABSENT));
    }
    runs.console()
        .result(diff.recipe().isEmpty() ? "The recipes are the same." : recipe.toString());
    runs.console().result("");
    Table results =
        new Table(
            Column.left("result"),
            Column.right(diff.left()),
            Column.right(diff.right()),
            Column.right("difference"));
    for (RunDiff.Result result : diff.results()) {
      results.row(
          result.name(),
          RunText.number(result.left()),
          RunText.number(result.right()),
          change(result));
    }
    runs.console()
        .result(diff.results().isEmpty() ? "Neither run measured anything." : results.toString());
  }

  private static String change(RunDiff.Result result) {
    if (result.left().isEmpty() || result.right().isEmpty()) {
      return ABSENT;
    }
    double change = result.right().getAsDouble() - result.left().getAsDouble();
    return (change > 0 ? "+" : "") + RunText.number(change);
  }
}
