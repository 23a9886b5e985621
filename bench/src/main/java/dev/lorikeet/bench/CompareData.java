package dev.lorikeet.bench;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.BatchPlan;
import dev.lorikeet.data.Batches;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.data.Example;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.nano.NanoText;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Rng;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** What both sides learn: a file for Lorikeet, and the very batches of its run for PEFT. */
final class CompareData {
  private static final int RECORDS = 400;
  private static final double MEDIAN = 110;
  private static final double SPREAD = 0.7;
  private static final int SHORTEST = 16;
  private static final int LONGEST = 510;
  private static final double MASKED = 0.4;

  private CompareData() {}

  /** Records whose lengths in tokens are lognormal, as instructions with answers are. */
  static void writeRagged(Path file, Tokenizer tokenizer) {
    NanoText documents = new NanoText(2);
    Rng rng = new Rng(7);
    List<String> records = new ArrayList<>();
    for (int i = 0; i < RECORDS; i++) {
      int length =
          Math.clamp(
              Math.round(Math.exp(Math.log(MEDIAN) + SPREAD * rng.gaussian(i))), SHORTEST, LONGEST);
      int masked = (int) (MASKED * length);
      Map<String, String> record = new LinkedHashMap<>();
      record.put("prompt", text(documents, 2L * i, masked, tokenizer));
      record.put("completion", " " + text(documents, 2L * i + 1, length - masked, tokenizer));
      records.add(JsonMapper.shared().writeValueAsString(record));
    }
    AtomicFile.writeString(file, String.join("\n", records) + "\n");
  }

  /** Words of documents, as many as make about {@code tokens} tokens. */
  private static String text(NanoText documents, long seed, int tokens, Tokenizer tokenizer) {
    StringBuilder text = new StringBuilder();
    long next = NanoText.WARM_UP + 1_000 * seed;
    int made = 0;
    while (true) {
      for (String word : documents.document(next++).split("\\s+", -1)) {
        int more = tokenizer.encode(text.isEmpty() ? word : " " + word).length;
        if (made + more > tokens) {
          return text.toString();
        }
        text.append(text.isEmpty() ? "" : " ").append(word);
        made += more;
      }
    }
  }

  /** Tokens of each of the first steps, which are written to {@code file}, a line each. */
  static List<Integer> writeBatches(RunConfig config, int steps, Path file) {
    Tokenizer tokenizer = HfTokenizer.open(Path.of(config.model().name()));
    List<Integer> tokens = new ArrayList<>();
    StringBuilder lines = new StringBuilder();
    try (DataSet data = DataSet.load(config.data(), config.train().seed(), tokenizer)) {
      Batches batches = new Batches(BatchPlan.of(config, data.train().size()), data.train());
      for (int step = 0; step < steps; step++) {
        List<Example> examples =
            batches.batch(step).microBatches().stream()
                .flatMap(batch -> batch.examples().stream())
                .toList();
        tokens.add(examples.stream().mapToInt(Example::length).sum());
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("ids", examples.stream().map(Example::tokens).toList());
        line.put("first_label", examples.stream().map(Example::firstLabel).toList());
        lines.append(JsonMapper.shared().writeValueAsString(line)).append('\n');
      }
    }
    AtomicFile.writeString(file, lines.toString());
    return tokens;
  }
}
