package dev.lorikeet.cli;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.job.Devices;
import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuning;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.job.TextGeneration;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.Optional;

/** The Java example of README.md, so that the compiler reads it; {@link ReadmeTest} compares. */
final class ReadmeExample {
  private ReadmeExample() {}

  static void main() {
    RunConfig recipe =
        RunConfig.of("models/SmolLM2-135M", Path.of("alpaca.json"))
            .with("train.max_steps=50", "adapter.r=16");
    FineTuneResult run = FineTuning.run(recipe);
    try (Device device = Devices.open("auto");
        LoadedModel tuned =
            LoadedModel.open("models/SmolLM2-135M", Optional.of(run.output()), device)) {
      System.out.println(TextGeneration.of(tuned, device, "Hello", 50, Sampling.GREEDY).text());
    }
  }
}
