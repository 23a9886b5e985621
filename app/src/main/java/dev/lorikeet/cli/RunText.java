package dev.lorikeet.cli;

import dev.lorikeet.run.RunRecord;
import java.time.Clock;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** How the commands about runs write dates, numbers and runs. */
final class RunText {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm");

  private RunText() {}

  /** To the minute, in the time zone of {@code clock}. */
  static String time(Instant time, Clock clock) {
    return TIME.format(time.atZone(clock.getZone()));
  }

  /** Five significant digits, whole numbers whole; a hyphen where there is none. */
  static String number(OptionalDouble value) {
    return value.isPresent() ? number(value.getAsDouble()) : "-";
  }

  /** Five significant digits, whole numbers whole. */
  static String number(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      return String.format(Locale.ROOT, "%,d", (long) value);
    }
    double size = Math.abs(value);
    if (!Double.isFinite(value) || size >= 1e6 || size < 1e-3) {
      return String.format(Locale.ROOT, "%.3g", value);
    }
    int decimals = Math.max(0, 4 - (int) Math.floor(Math.log10(size)));
    return String.format(Locale.ROOT, "%,." + Math.min(decimals, 4) + "f", value);
  }

  /** The status, and whether the folder is still there. */
  static String status(RunRecord run) {
    return run.status().label() + (run.folderExists() ? "" : " (folder is gone)");
  }

  /** The run as the list shows it. */
  static Map<String, Object> json(RunRecord run) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", run.id());
    json.put("created", run.created().toString());
    run.finished().ifPresent(time -> json.put("finished", time.toString()));
    json.put("technique", run.technique());
    json.put("model", run.model());
    json.put("status", run.status().label());
    json.put("folder", run.folder().toString());
    json.put("folder_exists", run.folderExists());
    json.put("steps", run.progress().steps());
    run.progress().trainLoss().ifPresent(loss -> json.put("train_loss", loss));
    run.progress().validationLoss().ifPresent(loss -> json.put("validation_loss", loss));
    json.put("notes", run.notes().stream().map(RunText::json).toList());
    return json;
  }

  /** A note with its time. */
  static Map<String, Object> json(RunRecord.Note note) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("time", note.time().toString());
    json.put("text", note.text());
    return json;
  }
}
