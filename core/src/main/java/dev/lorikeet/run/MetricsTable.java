package dev.lorikeet.run;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** The measurements in the index: a row for every step of a run. */
record MetricsTable(RunDatabase database) {

  /** Adds a row; it replaces one of the same step. */
  void append(String runId, MetricsRow row) {
    database.change(
        "Adding measurements",
        "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        runId,
        row.step(),
        row.epoch(),
        row.trainLoss(),
        nullable(row.validationLoss()),
        row.learningRate(),
        row.gradNorm(),
        row.tokens().labelled(),
        row.tokens().total(),
        row.tokens().perSecond(),
        row.usage().cpuUtilisation(),
        nullable(row.usage().gpuUtilisation()),
        row.usage().currentBytes(),
        row.usage().peakBytes(),
        row.elapsedNanos(),
        nullable(row.validationAccuracy()));
  }

  /** Forgets the steps after {@code step}. */
  void cut(String runId, long step) {
    database.change(
        "Removing measurements", "DELETE FROM metrics WHERE run_id = ? AND step > ?", runId, step);
  }

  /** The rows of a run in the order of its steps. */
  List<MetricsRow> of(String runId) {
    return database.query(
        "SELECT * FROM metrics WHERE run_id = ? ORDER BY step", MetricsTable::row, runId);
  }

  private static MetricsRow row(ResultSet row) throws SQLException {
    return new MetricsRow(
        row.getInt("step"),
        row.getDouble("epoch"),
        optional(row, "train_loss").orElse(Double.NaN),
        optional(row, "validation_loss"),
        optional(row, "validation_accuracy"),
        row.getDouble("learning_rate"),
        optional(row, "grad_norm").orElse(Double.NaN),
        new MetricsRow.Tokens(
            row.getLong("tokens_labelled"),
            row.getLong("tokens_total"),
            row.getDouble("tokens_per_second")),
        new MetricsRow.Usage(
            row.getDouble("cpu_utilisation"),
            optional(row, "gpu_utilisation"),
            row.getLong("current_bytes"),
            row.getLong("peak_bytes")),
        row.getLong("elapsed_nanos"));
  }

  static OptionalDouble optional(ResultSet row, String column) throws SQLException {
    double value = row.getDouble(column);
    return row.wasNull() ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  private static @Nullable Double nullable(OptionalDouble value) {
    return value.isPresent() ? value.getAsDouble() : null;
  }
}
