package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.FamilyFixture;
import dev.lorikeet.fixture.FamilyFixture.ConfigForm;
import dev.lorikeet.fixture.WordTokenizer;
import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * What a user does with a checkpoint, for every variant of every family: inspect it, score with it,
 * tune it with QLoRA and DoRA, generate from the result. Writes README's table of families.
 */
@Tag("native")
final class FamiliesTest {
  private static final Path README = Path.of("../README.md");

  /** The sequence that is learned. */
  private static final int LINE = 2;

  private static final Path WRITTEN = Path.of("target/families.md");
  private static final double LOG_PROBABILITY_TOLERANCE = 1e-4;
  private static final Set<String> PROVEN = new TreeSet<>();

  @TempDir private Path folder;

  static List<String> variants() {
    return FamilyFixture.variants();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void aCheckpointIsInspectedScoredTunedAndGeneratedFrom(String variant) throws IOException {
    FamilyFixture fixture = new FamilyFixture(variant);
    Path model = Files.createDirectories(folder.resolve("model"));
    fixture.writeCheckpoint(model, ConfigForm.LEGACY);
    Inspection inspection = inspected(fixture, model);
    WordTokenizer.write(model, inspection.shape().vocabularySize());
    scored(fixture, model);
    for (String technique : List.of("qlora", "dora")) {
      tuned(fixture, model, technique);
    }
    PROVEN.add(variant);
  }

  private static Inspection inspected(FamilyFixture fixture, Path model) {
    Inspection inspection = Inspection.of(model.toString());
    long elements = 0;
    for (JsonNode tensor : fixture.expected().get("tensors")) {
      long size = 1;
      for (JsonNode length : tensor.get("shape")) {
        size *= length.asLong();
      }
      elements += size;
    }
    assertEquals(elements, inspection.parameters().total());
    return inspection;
  }

  private static void scored(FamilyFixture fixture, Path model) {
    try (Device device = Device.cpu(2);
        LoadedModel loaded = LoadedModel.open(model.toString(), Optional.empty(), device)) {
      int compared = 0;
      for (int i = 0; i < fixture.expected().get("sequences").size(); i++) {
        int[] tokens = fixture.tokens(i);
        if (tokens.length < 2 || tokens.length > loaded.model().contextLength()) {
          continue;
        }
        TextScore score = TextScore.of(loaded, device, WordTokenizer.text(tokens));
        JsonNode expected = fixture.expected().get("sequences").get(i).get("log_probs");
        for (int t = 1; t < tokens.length; t++) {
          assertEquals(
              expected.get(t - 1).asDouble(),
              score.logProbabilities().get(t).orElseThrow(),
              LOG_PROBABILITY_TOLERANCE);
        }
        compared++;
      }
      assertTrue(compared >= 2, "sequences compared");
    }
  }

  private void tuned(FamilyFixture fixture, Path model, String technique) {
    int[] line = fixture.tokens(LINE);
    Path data = folder.resolve("text.txt");
    AtomicFile.writeString(data, (WordTokenizer.text(line) + "\n").repeat(8));
    RunConfig recipe =
        RunConfig.of(model.toString(), data)
            .with(
                "data.format=text",
                "data.validation='" + data + "'",
                "data.max_seq_len=" + line.length,
                "adapter.technique=" + technique,
                "adapter.r=4",
                "train.learning_rate=2.0e-2",
                "train.warmup_steps=0",
                "train.schedule=constant",
                "train.global_batch=4",
                "train.micro_batch=4",
                "train.epochs=null",
                "train.max_steps=12",
                "output.dir='" + folder.resolve("runs") + "'");
    FineTuneResult run = FineTuning.run(recipe);
    double before = run.validationBefore().orElseThrow();
    double after = run.validationAfter().orElseThrow();
    assertTrue(after < 0.8 * before, technique + ": " + before + " to " + after);
    try (Device device = Device.cpu(2);
        LoadedModel adapted =
            LoadedModel.open(model.toString(), Optional.of(run.output()), device)) {
      int[] prompt = Arrays.copyOf(line, line.length / 2);
      TextGeneration generation =
          TextGeneration.of(adapted, device, WordTokenizer.text(prompt), 3, Sampling.GREEDY);
      float[] logits = Checkpoints.logits(adapted.model(), device, prompt);
      List<Integer> tokens = generation.tokens();
      int first = tokens.isEmpty() ? WordTokenizer.END : tokens.getFirst();
      assertEquals(mostLikelyLast(logits, prompt.length), first);
    }
  }

  private static int mostLikelyLast(float[] logits, int rows) {
    int width = logits.length / rows;
    int from = logits.length - width;
    int best = 0;
    for (int i = 1; i < width; i++) {
      if (logits[from + i] > logits[from + best]) {
        best = i;
      }
    }
    return best;
  }

  /** The table of what was proven is what README says. */
  @AfterAll
  static void readmeHasTheTable() throws IOException {
    if (!PROVEN.containsAll(variants())) {
      return;
    }
    StringBuilder table = new StringBuilder();
    table.append("| models | `model_type` | checked with |\n|---|---|---|\n");
    for (Architecture architecture : Architecture.ALL) {
      String type = architecture.modelType();
      table.append("| %s | `%s` | %s |\n".formatted(architecture.models(), type, options(type)));
    }
    Files.createDirectories(WRITTEN.toAbsolutePath().getParent());
    AtomicFile.writeString(WRITTEN, table.toString());
    String readme = Files.readString(README);
    assertTrue(
        readme.contains("\n" + table),
        "the table of families in README.md is not that of " + WRITTEN + "; copy it");
  }

  /** What the variants of a family switch, beside its plain form. */
  private static String options(String type) {
    List<String> options =
        FamilyFixture.variantsOf(type).stream()
            .filter(PROVEN::contains)
            .map(name -> name.equals(type) ? "plain" : name.substring(type.length() + 1))
            .map(name -> name.replace('-', ' '))
            .toList();
    return String.join(", ", options);
  }
}
