package dev.lorikeet.cli;

import dev.lorikeet.cli.Check.Verdict;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lorikeet doctor}. */
@Command(
    name = "doctor",
    description = "Looks at this machine and says what Lorikeet can do on it.",
    footer = "Exit code 1 when something keeps Lorikeet from working.")
final class DoctorCommand implements Callable<Integer> {
  private final Console console;
  private final Supplier<Machine> machine;
  @Mixin private JsonOption json = new JsonOption();

  DoctorCommand(Console console) {
    this(console, MachineProbe::look);
  }

  DoctorCommand(Console console, Supplier<Machine> machine) {
    this.console = console;
    this.machine = machine;
  }

  @Override
  public Integer call() {
    List<Check> checks = Diagnosis.of(machine.get());
    boolean fatal = checks.stream().anyMatch(check -> check.verdict() == Verdict.FAIL);
    if (json.wanted()) {
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("usable", !fatal);
      document.put("version", Version.current());
      document.put("checks", checks.stream().map(DoctorCommand::json).toList());
      console.json(document);
    } else {
      checks.forEach(this::print);
    }
    return fatal ? 1 : 0;
  }

  private static Map<String, Object> json(Check check) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", check.name());
    json.put("verdict", check.verdict().name().toLowerCase(Locale.ROOT));
    json.put("found", check.found());
    json.put("advice", check.advice());
    return json;
  }

  private void print(Check check) {
    String verdict = check.verdict().name().toLowerCase(Locale.ROOT);
    console.result(
        String.format(
            Locale.ROOT, "%-4s  %s: %s. %s", verdict, check.name(), check.found(), check.advice()));
  }
}
