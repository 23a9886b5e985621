package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.config.TrainSettings.LossWeighting;
import dev.lorikeet.data.Example;
import dev.lorikeet.data.GlobalBatch;
import dev.lorikeet.data.MicroBatch;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.model.Llama;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.quant.QuantizedWeights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A quantised base always takes less memory than the same one in float32, whatever the shape. */
@Tag("native")
final class QloraLawTest {
  private static final String LARGE = "eight layers of 768";

  /**
   * Shape of a model and a batch.
   *
   * @param small whether it also runs in numbers; the others run on shapes alone
   */
  record Subject(String name, LlamaConfig config, int examples, int tokens, boolean small) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Subject> subjects() {
    LlamaConfig tiny = llama(24, 37, 2, 4, 2, 6, 53);
    LlamaConfig smol = llama(576, 1536, 30, 9, 3, 64, 49_152);
    return List.of(
        new Subject("tiny", tiny, 1, 2, true),
        new Subject("tiny, long", tiny, 8, 60, true),
        new Subject("one layer", llama(64, 172, 1, 4, 2, 16, 331), 4, 40, true),
        new Subject("wide MLP", llama(32, 512, 2, 2, 1, 16, 97), 2, 30, true),
        new Subject(LARGE, llama(768, 2048, 8, 12, 4, 64, 1024), 2, 64, false),
        new Subject("SmolLM2-135M", smol, 4, 512, false),
        new Subject("SmolLM2-135M, short", smol, 1, 3, false),
        new Subject("7B", llama(4096, 11_008, 32, 32, 32, 128, 32_000), 1, 512, false),
        new Subject(
            "one layer of 7B", llama(4096, 11_008, 1, 32, 32, 128, 32_000), 8, 2048, false));
  }

  static List<Subject> smallSubjects() {
    return subjects().stream().filter(Subject::small).toList();
  }

  private static LlamaConfig llama(
      int hidden, int inner, int layers, int heads, int kvHeads, int headDim, int vocabulary) {
    RopeScaling rope = new RopeScaling("default", 10_000, 1, 1, 1, 1);
    return new LlamaConfig(
        hidden,
        inner,
        layers,
        heads,
        kvHeads,
        headDim,
        vocabulary,
        4096,
        1e-5,
        true,
        false,
        false,
        rope);
  }

  record Peaks(long loading, long training) {}

  @ParameterizedTest
  @MethodSource("subjects")
  void qloraTakesLessThanLora(Subject subject) {
    qloraTakesLessThanLora(subject, DType.FLOAT32);
  }

  /** A base of two bytes a weight takes half, and one of four bits still less. */
  @ParameterizedTest
  @MethodSource("subjects")
  void qloraTakesLessThanLoraOverHalfPrecision(Subject subject) {
    qloraTakesLessThanLora(subject, DType.BFLOAT16);
  }

  private static void qloraTakesLessThanLora(Subject subject, DType stored) {
    for (int threads : new int[] {1, 2, 64}) {
      for (boolean recompute : new boolean[] {false, true}) {
        Peaks lora =
            peaks(subject, stored, Quantization.NONE, Device.shapeOnly(threads), recompute);
        for (Quantization format : List.of(Quantization.NF4, Quantization.FP4, Quantization.INT8)) {
          Peaks qlora = peaks(subject, stored, format, Device.shapeOnly(threads), recompute);
          String what = subject + " " + format + " threads " + threads + " " + lora + " " + qlora;
          assertTrue(qlora.training < lora.training, what);
          assertTrue(qlora.loading < lora.loading, what);
        }
      }
    }
  }

  /**
   * At least half of what the books say must be seen from outside: heaps move by some megabytes.
   */
  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"NF4", "INT8"})
  @Tag("slow")
  void theProcessIsSmallerToo(Quantization format) throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "/proc tells the resident bytes");
    Subject large =
        subjects().stream().filter(subject -> subject.name.equals(LARGE)).findFirst().orElseThrow();
    QloraProcess.Taken lora = QloraProcess.run(large, Quantization.NONE);
    QloraProcess.Taken qlora = QloraProcess.run(large, format);
    long counted = lora.counted() - qlora.counted();
    assertTrue(counted > 100 << 20, "counted " + lora + ", " + qlora);
    assertTrue(lora.resident() - qlora.resident() > counted / 2, lora + ", " + qlora);
  }

  @ParameterizedTest
  @MethodSource("smallSubjects")
  void theCpuTakesWhatTheShapesSay(Subject subject) {
    for (Quantization format : List.of(Quantization.NF4, Quantization.FP4, Quantization.INT8)) {
      Peaks planned = peaks(subject, DType.FLOAT32, format, Device.shapeOnly(2), false);
      Peaks measured = peaks(subject, DType.FLOAT32, format, Device.cpu(2), false);
      assertEquals(measured, planned, subject + " " + format);
      Peaks lora = peaks(subject, DType.FLOAT32, Quantization.NONE, Device.cpu(2), false);
      assertTrue(measured.training < lora.training, subject + " " + format);
    }
  }

  /** Weights as a checkpoint has them that stores this type. */
  private record StoredAs(DType type, Weights source, Device device) implements Weights {
    @Override
    public Parameter parameter(String name, String impliedBy, long... shape) {
      return type == DType.FLOAT32
          ? source.parameter(name, impliedBy, shape)
          : new Parameter(name, device.empty(type, shape), Training.FROZEN);
    }

    @Override
    public boolean contains(String name) {
      return source.contains(name);
    }
  }

  static Peaks peaks(
      Subject subject, DType stored, Quantization format, Device device, boolean recompute) {
    LoraSettings settings = new LoraSettings(4, 8, false, 0.1, Targets.allLinear());
    QuantizationScheme scheme =
        new QuantizationScheme(format, Scales.QUANTISED, 64, OtherFormats.REFUSED);
    Weights weights =
        new QuantizedWeights(
            new StoredAs(stored, new RandomWeights(device, 5, 0.3, Training.FROZEN), device),
            Optional.empty(),
            scheme,
            device);
    TrainingSetup setup =
        new TrainingSetup(
            new LearningRate(2e-3, new ScheduleShape.Constant(), 0, 100),
            AdamW.Settings.withDecay(0.01),
            1.0,
            LossWeighting.TOKEN,
            42,
            true,
            recompute);
    try (device;
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        Llama model = new Llama(subject.config, weights, device, subject.tokens, adapter);
        Trainer trainer =
            new Trainer(model, adapter.parameters(), setup, device, Collective.solo())) {
      long loading = device.memory().peakBytes();
      device.memory().resetPeak();
      trainer.step(batch(subject, 0));
      trainer.step(batch(subject, 1));
      return new Peaks(loading, device.memory().peakBytes());
    }
  }

  private static GlobalBatch batch(Subject subject, int step) {
    List<Example> examples = new ArrayList<>();
    IntStream.range(0, subject.examples)
        .forEach(i ->
            examples.add(
                new Example(
                    i, Checkpoints.tokens(i, subject.tokens, subject.config.vocabSize()), 1)));
    return new GlobalBatch(step, 0, List.of(new MicroBatch(examples)));
  }
}
