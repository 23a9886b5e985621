package dev.lorikeet.bench.gpu;

import dev.lorikeet.bench.BenchModel;
import dev.lorikeet.bench.BenchShape;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.job.FineTuneOptions;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuning;
import dev.lorikeet.job.RunListener;
import dev.lorikeet.train.StepReport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * One measurement, a process of its own: some steps of one technique on one shape, 4 sequences of
 * 512 tokens, rank 8 on all linear layers. Prints one line of JSON, also where the run was refused.
 *
 * <p>Arguments: {@code prepare FOLDER SHAPE}, or {@code train FOLDER SHAPE TECHNIQUE DEVICE STEPS
 * [KEY=VALUE …]} with further keys of the recipe.
 */
public final class GpuRun {
  /** Tokens of a step. */
  static final int TOKENS = 4 * 512;

  private GpuRun() {}

  /** The program. */
  public static void main(String[] arguments) throws IOException {
    BenchModel model = new BenchModel(Path.of(arguments[1]));
    BenchShape shape = BenchShape.valueOf(arguments[2].toUpperCase(Locale.ROOT));
    if (arguments[0].equals("prepare")) {
      model.prepare(shape, StoredType.BF16);
      return;
    }
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("who", "lorikeet");
    line.put("shape", arguments[2]);
    line.put("technique", arguments[3]);
    int steps = Integer.parseInt(arguments[5]);
    List<String> further = List.of(arguments).subList(6, arguments.length);
    try {
      measure(line, recipe(model, arguments[3], arguments[4], steps, further));
    } catch (LorikeetException refused) {
      line.put("missing", refused.getMessage());
    }
    System.out.println(JsonMapper.shared().writeValueAsString(line));
  }

  private static RunConfig recipe(
      BenchModel model, String technique, String device, int steps, List<String> further) {
    List<String> overrides = new ArrayList<>();
    overrides.add("device=" + device);
    overrides.add("adapter.technique=" + technique);
    overrides.add("data.format=text");
    overrides.add("data.validation=0.0");
    overrides.add("data.max_seq_len=512");
    overrides.add("train.global_batch=4");
    overrides.add("train.micro_batch=4");
    overrides.add("train.warmup_steps=0");
    overrides.add("train.epochs=null");
    overrides.add("train.max_steps=" + (steps + 1));
    overrides.add("output.dir='" + model.model().resolveSibling("runs") + "'");
    overrides.addAll(further);
    return RunConfig.of(model.model().toString(), model.text())
        .with(overrides.toArray(String[]::new));
  }

  /** The first step warms up and is not counted. */
  private static void measure(Map<String, Object> line, RunConfig recipe) {
    List<Double> seconds = new ArrayList<>();
    FineTuneResult result =
        FineTuning.run(
            recipe,
            FineTuneOptions.defaults(),
            new RunListener() {
              @Override
              public void step(StepReport report, Start start, Duration left) {
                if (report.step() > 1) {
                  seconds.add(report.stepNanos() * 1e-9);
                }
              }
            });
    line.put("tokens", TOKENS);
    line.put("seconds", seconds);
    line.put("peak_bytes", result.peakBytes());
  }
}
