package dev.lorikeet.cli;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.job.Devices;
import dev.lorikeet.pretrain.NanoBuild;
import dev.lorikeet.pretrain.NanoSettings;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lorikeet nano build}. */
@Command(
    name = "build",
    description = {
      "Trains the built-in base model again, from random weights on generated text.",
      "This takes up to three hours on two cores. The same seed on the same kind of processor gives"
          + " the same weights."
    })
final class NanoBuildCommand implements Callable<Integer> {
  private static final String DEVICE = "auto";

  private final Console console;
  private final NanoSettings settings;
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "nano",
      description = "Folder for the checkpoint, absent or empty (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("nano");

  NanoBuildCommand(Console console, NanoSettings settings) {
    this.console = console;
    this.settings = settings;
  }

  @Override
  public Integer call() {
    requireEmpty();
    Progress progress = new Progress(console);
    progress.say("learning the tokenizer, then the weights; the steps begin in a few minutes");
    Instant begin = console.clock().instant();
    double loss = build(progress);
    Duration time = Duration.between(begin, console.clock().instant());
    Path folder = out.toAbsolutePath().normalize();
    if (json.wanted()) {
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("directory", folder.toString());
      document.put("held_out_loss", loss);
      document.put("seconds", time.toMillis() / 1e3);
      console.json(document);
    } else {
      console.result(
          "%s: held-out loss %s after %s"
              .formatted(folder, RunText.number(loss), Amounts.duration(time)));
    }
    return 0;
  }

  private double build(Progress progress) {
    try (Device device = Devices.open(DEVICE)) {
      long begin = System.nanoTime();
      return new NanoBuild(settings)
          .run(
              out,
              device,
              step -> {
                long done = step.report().step();
                double nanosPerStep = (double) (System.nanoTime() - begin) / done;
                Duration left = Duration.ofNanos((long) (nanosPerStep * (step.steps() - done)));
                progress.step(step.report(), step.steps(), left);
              });
    } finally {
      progress.end();
    }
  }

  private void requireEmpty() {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new ConfigException(
          "--out " + out + " is a file, expected a folder that is absent or empty");
    }
    try (Stream<Path> files = Files.list(out)) {
      if (files.findAny().isPresent()) {
        throw new ConfigException(
            "--out "
                + out
                + " is not empty, and a model of hours is never overwritten: name a folder that is"
                + " absent or empty");
      }
    } catch (IOException failure) {
      throw new ConfigException("--out " + out + " cannot be read: " + failure.getMessage());
    }
  }
}
