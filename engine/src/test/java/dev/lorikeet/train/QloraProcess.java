package dev.lorikeet.train;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.JavaProcess;
import dev.lorikeet.fixture.ResidentMemory;
import dev.lorikeet.fixture.TrainedLlama.Blocks;
import dev.lorikeet.torch.DType;
import dev.lorikeet.torch.Device;
import dev.lorikeet.train.QloraLawTest.Peaks;
import dev.lorikeet.train.QloraLawTest.Subject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** A model that is loaded and trained for two steps in a process of its own. */
final class QloraProcess {
  private QloraProcess() {}

  /**
   * What it took.
   *
   * @param counted bytes of tensors at most
   * @param resident bytes of the process at most
   */
  record Taken(long counted, long resident) {}

  /** Runs {@code subject} over a base in {@code format}. */
  static Taken run(Subject subject, Quantization format) throws IOException, InterruptedException {
    Process process =
        JavaProcess.of(
                QloraProcess.class,
                List.of("-XX:+UseSerialGC", "-Xmx96m"),
                subject.name(),
                format.name())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException("the process failed: " + said);
    }
    long[] numbers = Arrays.stream(said.strip().split(" ")).mapToLong(Long::parseLong).toArray();
    return new Taken(numbers[0], numbers[1]);
  }

  public static void main(String[] args) throws IOException {
    Subject subject =
        QloraLawTest.subjects().stream()
            .filter(known -> known.name().equals(args[0]))
            .findFirst()
            .orElseThrow();
    Peaks peaks =
        QloraLawTest.peaks(
            subject, DType.FLOAT32, Quantization.valueOf(args[1]), Device.cpu(2), Blocks.KEPT);
    System.out.println(
        Math.max(peaks.loading(), peaks.training()) + " " + ResidentMemory.peakBytes());
  }
}
