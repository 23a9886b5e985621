package dev.lorikeet.bench.gpu;

import dev.lorikeet.bench.BenchModel;
import dev.lorikeet.bench.BenchShape;
import dev.lorikeet.bench.OneRun;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.format.StoredType;
import java.io.IOException;
import java.nio.file.Path;
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
  /** Sequences of a step. */
  static final int EXAMPLES = 4;

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
    line.put("device", arguments[4]);
    int steps = Integer.parseInt(arguments[5]);
    List<String> keys =
        new ArrayList<>(
            BenchModel.recipe(arguments[3], EXAMPLES, steps, model.folder().resolve("runs")));
    keys.add("device=" + arguments[4]);
    keys.addAll(List.of(arguments).subList(6, arguments.length));
    try {
      RunConfig recipe =
          RunConfig.of(model.model().toString(), model.text()).with(keys.toArray(String[]::new));
      line.putAll(OneRun.measured(recipe));
    } catch (LorikeetException refused) {
      line.put("missing", refused.getMessage());
    }
    System.out.println(JsonMapper.shared().writeValueAsString(line));
  }
}
