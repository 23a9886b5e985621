package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PEFT itself loads what Lorikeet writes and gives its logits; needs a Python that has PEFT. */
@Tag("reference")
@Tag("slow")
@TestInstance(Lifecycle.PER_CLASS)
final class PeftLoadsOurAdapterTest {
  private static final String PYTHON_VARIABLE = "LORIKEET_REFERENCE_PYTHON";
  private static final Path SCRIPT = Path.of("../reference/check_adapter.py");

  private Optional<String> python = Optional.empty();

  @TempDir private Path folder;

  @BeforeAll
  void findPython() {
    python =
        Stream.of(Optional.ofNullable(System.getenv(PYTHON_VARIABLE)), Optional.of("python3"))
            .flatMap(Optional::stream)
            .filter(PeftLoadsOurAdapterTest::hasPeft)
            .findFirst();
    assumeTrue(
        python.isPresent(),
        "no Python with peft: name one in the environment variable " + PYTHON_VARIABLE);
  }

  @ParameterizedTest
  @CsvSource({
    "tied-gqa, all-linear, false, false",
    "tied-gqa, all-linear, true, false",
    "untied-odd, all-linear, false, false",
    "untied-odd, model.layers.1.self_attn.o_proj, false, false",
    "mha-bias, v_proj, false, false",
    "tied-gqa, all-linear, false, true",
    "untied-odd, lm_head, false, true",
    "mha-bias, all-linear, true, true"
  })
  void peftGivesOurLogits(String name, String target, boolean rankStabilised, boolean dora) {
    LoraSettings lora = new LoraSettings(4, 12, rankStabilised, 0.1, Targets.of(List.of(target)));
    requirePeftAgrees(name, dora ? lora.withDora() : lora);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "tied-gqa; attention; lm_head; UNIFORM",
        "tied-gqa; .*\\.(gate_proj|embed_tokens); norm; GAUSSIAN",
        "untied-odd; .*(lm_head|q_proj|embed_tokens); layers.1.mlp; PISSA",
        "untied-odd; qv; embed_tokens; PISSA_NITER",
        "mha-bias; mlp; layers.0.self_attn; UNIFORM"
      })
  void peftGivesOurLogitsWithEveryKey(
      String name, String target, String saved, LoraStart.Kind start) {
    LoraSettings settings =
        new LoraSettings(
            4,
            12,
            start == LoraStart.Kind.PISSA,
            0,
            Targets.of(target).without(new TargetModules.Names(List.of("layers.1.mlp.up_proj"))),
            // The second pattern means all, but the first one counts; PEFT sorts them.
            ordered("layers.1.*", 3, ".*_(proj|head|tokens)", 2),
            Map.of(".*0.*", 5.0),
            List.of(saved),
            new LoraStart(start, 3),
            false);
    requirePeftAgrees(name, settings);
  }

  private static Map<String, Integer> ordered(
      String first, int firstRank, String second, int secondRank) {
    Map<String, Integer> patterns = new LinkedHashMap<>();
    patterns.put(first, firstRank);
    patterns.put(second, secondRank);
    return patterns;
  }

  private void requirePeftAgrees(String name, LoraSettings settings) {
    Path base = Checkpoints.tiny(name);
    Path logits = folder.resolve("logits.safetensors");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm model = build(base, device, adapter)) {
      adapter.requireComplete();
      for (Parameter parameter : adapter.parameters()) {
        if (!parameter.name().contains("lora_A")) {
          move(parameter);
        }
      }
      adapter.write(folder.resolve("adapter"), name);
      writeLogits(logits, model, device);
    }
    Answer answer =
        ask(
            python.orElseThrow(),
            SCRIPT.toString(),
            base.toString(),
            folder.resolve("adapter").toString(),
            logits.toString());
    assertEquals(0, answer.exitCode(), answer.text());
    assertTrue(answer.text().contains("agree"), answer.text());
  }

  private static CausalLm build(Path base, Device device, LoraAdapter adapter) {
    try (HfCheckpoint checkpoint = HfCheckpoint.open(base)) {
      return Architecture.of(checkpoint.config())
          .build(
              checkpoint.config(),
              adapter.over(new CheckpointWeights(checkpoint, device, Training.FROZEN)),
              device,
              128,
              adapter);
    }
  }

  private static void move(Parameter parameter) {
    float[] values = parameter.value().toFloats();
    float[] noise = Checkpoints.normal(parameter.name().hashCode(), values.length, 0.1);
    for (int i = 0; i < values.length; i++) {
      values[i] += noise[i];
    }
    parameter.value().copyFrom(values);
  }

  private static void writeLogits(Path file, CausalLm model, Device device) {
    Map<String, TensorData> tensors = new LinkedHashMap<>();
    for (int i = 0; i < 2; i++) {
      int[] tokens = Checkpoints.tokens(i, 5 + 14 * i, model.vocabularySize());
      float[] values = new float[tokens.length];
      for (int t = 0; t < tokens.length; t++) {
        values[t] = tokens[t];
      }
      float[] logits = Checkpoints.logits(model, device, tokens);
      long length = tokens.length;
      tensors.put("tokens." + i, floats(values, length));
      tensors.put("logits." + i, floats(logits, length, (long) model.vocabularySize()));
    }
    SafeTensorsWriter.write(file, tensors, Map.of());
  }

  private static TensorData floats(float[] values, Long... shape) {
    return new TensorData(StoredType.F32, List.of(shape), MemorySegment.ofArray(values));
  }

  private record Answer(int exitCode, String text) {}

  private static boolean hasPeft(String python) {
    try {
      return ask(python, "-c", "import peft, transformers, safetensors").exitCode() == 0;
    } catch (IllegalStateException notThere) {
      return false;
    }
  }

  private static Answer ask(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Answer(process.waitFor(), text);
    } catch (IOException failure) {
      throw new IllegalStateException("could not run " + List.of(command), failure);
    } catch (InterruptedException failure) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(failure);
    }
  }
}
