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
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.json.JsonMapper;

/** A few steps of one technique in this process; prints one line of JSON. */
final class OneRun {
  private OneRun() {}

  /** Arguments: work folder, steps, then recipe overrides. */
  public static void main(String[] args) {
    Path work = Path.of(args[0]);
    int steps = Integer.parseInt(args[1]);
    List<String> overrides = new ArrayList<>();
    overrides.add("data.format=text");
    overrides.add("data.validation=0.0");
    overrides.add("data.max_seq_len=512");
    overrides.add("train.global_batch=4");
    overrides.add("train.micro_batch=4");
    overrides.add("train.warmup_steps=0");
    overrides.add("train.epochs=null");
    overrides.add("train.max_steps=" + (steps + 1));
    overrides.add("output.dir='" + work.resolve("runs") + "'");
    overrides.addAll(List.of(args).subList(2, args.length));
    RunConfig config =
        RunConfig.of(BenchModel.model(work).toString(), BenchModel.text(work))
            .with(overrides.toArray(String[]::new));
    List<Double> seconds = new ArrayList<>();
    AtomicLong trainable = new AtomicLong();
    FineTuneResult result =
        FineTuning.run(
            config,
            FineTuneOptions.defaults(),
            new RunListener() {
              @Override
              public void step(StepReport report, Start start, Duration left) {
                trainable.set(start.trainableParameters());
                if (report.step() > 1) {
                  seconds.add(report.stepNanos() * 1e-9);
                }
              }
            });
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("trainable", trainable.get());
    line.put("steps", seconds);
    line.put("peak_bytes", result.peakBytes());
    result.peakResidentBytes().ifPresent(bytes -> line.put("peak_resident_bytes", bytes));
    System.out.println(JsonMapper.shared().writeValueAsString(line));
  }
}
