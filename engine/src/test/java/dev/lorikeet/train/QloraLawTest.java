package dev.lorikeet.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.LlamaShape;
import dev.lorikeet.fixture.ResidentMemory;
import dev.lorikeet.fixture.TrainedLlama;
import dev.lorikeet.fixture.TrainedLlama.Blocks;
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
import java.util.List;
import java.util.Optional;
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
  record Subject(String name, LlamaShape shape, int examples, int tokens, boolean small) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Subject> subjects() {
    LlamaShape tiny = new LlamaShape(24, 37, 2, 4, 2, 6, 53);
    LlamaShape smol = LlamaShape.SMOLLM2_135M;
    LlamaShape sevenB = new LlamaShape(4096, 11_008, 32, 32, 32, 128, 32_000);
    return List.of(
        new Subject("tiny", tiny, 1, 2, true),
        new Subject("tiny, long", tiny, 8, 60, true),
        new Subject("one layer", new LlamaShape(64, 172, 1, 4, 2, 16, 331), 4, 40, true),
        new Subject("wide MLP", new LlamaShape(32, 512, 2, 2, 1, 16, 97), 2, 30, true),
        new Subject(LARGE, new LlamaShape(768, 2048, 8, 12, 4, 64, 1024), 2, 64, false),
        new Subject("SmolLM2-135M", smol, 4, 512, false),
        new Subject("SmolLM2-135M, short", smol, 1, 3, false),
        new Subject("7B", sevenB, 1, 512, false),
        new Subject("one layer of 7B", sevenB.with(1, 32_000), 8, 2048, false));
  }

  static List<Subject> smallSubjects() {
    return subjects().stream().filter(Subject::small).toList();
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
      for (Blocks blocks : Blocks.values()) {
        Peaks lora = peaks(subject, stored, Quantization.NONE, Device.shapeOnly(threads), blocks);
        for (Quantization format : List.of(Quantization.NF4, Quantization.FP4, Quantization.INT8)) {
          Peaks qlora = peaks(subject, stored, format, Device.shapeOnly(threads), blocks);
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
    ResidentMemory.assumeKnown();
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
      Peaks planned = peaks(subject, DType.FLOAT32, format, Device.shapeOnly(2), Blocks.KEPT);
      Peaks measured = peaks(subject, DType.FLOAT32, format, Device.cpu(2), Blocks.KEPT);
      assertEquals(measured, planned, subject + " " + format);
      Peaks lora = peaks(subject, DType.FLOAT32, Quantization.NONE, Device.cpu(2), Blocks.KEPT);
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
      Subject subject, DType stored, Quantization format, Device device, Blocks blocks) {
    LoraSettings settings = new LoraSettings(4, 8, false, 0.1, Targets.allLinear());
    QuantizationScheme scheme =
        new QuantizationScheme(format, Scales.QUANTISED, 64, OtherFormats.REFUSED);
    Weights weights =
        new QuantizedWeights(
            new StoredAs(stored, new RandomWeights(device, 5, 0.3, Training.FROZEN), device),
            Optional.empty(),
            scheme,
            device);
    try (device;
        TrainedLlama llama =
            new TrainedLlama(
                subject.shape.config(subject.tokens), settings, blocks, weights, device)) {
      long loading = device.memory().peakBytes();
      device.memory().resetPeak();
      llama.step(0, subject.examples, subject.tokens);
      llama.step(1, subject.examples, subject.tokens);
      return new Peaks(loading, device.memory().peakBytes());
    }
  }
}
