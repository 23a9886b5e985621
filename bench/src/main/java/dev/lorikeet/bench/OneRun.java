package dev.lorikeet.bench;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.job.FineTuneOptions;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuning;
import dev.lorikeet.job.RunListener;
import dev.lorikeet.train.StepReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** A few steps of one recipe in this process; prints one line of JSON. */
public final class OneRun {
  private OneRun() {}

  /** Arguments: checkpoint, data file, then further keys of the recipe. */
  public static void main(String[] args) {
    RunConfig config =
        RunConfig.of(args[0], Path.of(args[1]))
            .with(List.of(args).subList(2, args.length).toArray(String[]::new));
    System.out.println(JsonMapper.shared().writeValueAsString(measured(config)));
  }

  /**
   * Does a recipe: {@code losses} and seconds of all {@code steps}, the most memory in bytes, when
   * the first step began, and what was written.
   */
  public static Map<String, Object> measured(RunConfig config) {
    Map<String, Object> line = new LinkedHashMap<>();
    List<Double> seconds = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    FineTuneResult result =
        FineTuning.run(
            config,
            FineTuneOptions.defaults(),
            new RunListener() {
              @Override
              public void started(Start start) {
                line.put("trainable", start.trainableParameters());
                line.put("ready", System.currentTimeMillis() * 1e-3);
              }

              @Override
              public void step(StepReport report, Start start, Duration left) {
                seconds.add(report.stepNanos() * 1e-9);
                losses.add(report.loss());
              }
            });
    line.put("losses", losses);
    line.put("steps", seconds);
    line.put("peak_bytes", result.peakBytes());
    line.put("output", result.output().toString());
    result.peakReservedBytes().ifPresent(bytes -> line.put("peak_reserved_bytes", bytes));
    result.peakResidentBytes().ifPresent(bytes -> line.put("peak_resident_bytes", bytes));
    return line;
  }
}
