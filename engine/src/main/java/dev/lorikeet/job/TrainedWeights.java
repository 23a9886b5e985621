package dev.lorikeet.job;

import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.format.SafeTensors;
import dev.lorikeet.format.StoredLayout;
import dev.lorikeet.format.TensorEntry;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.model.Architecture;
import dev.lorikeet.nn.WeightsFile;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tokenizer.ChatTemplate;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a run trains, on its way to files and back.
 *
 * @param loaded model and perhaps adapter
 * @param trained the trained ones of their weights
 * @param baseModel what an adapter's file says that it was trained on
 * @param template what conversations were written by, if one was
 */
record TrainedWeights(
    LoadedModel loaded,
    List<Parameter> trained,
    String baseModel,
    Optional<ChatTemplate> template) {
  /** Name of the folder with an adapter. */
  static final String ADAPTER = "adapter";

  private static final String EXACT = "trained.safetensors";

  TrainedWeights {
    trained = List.copyOf(trained);
  }

  /** The same over a base that is kept elsewhere. */
  TrainedWeights over(Path base) {
    return new TrainedWeights(loaded, trained, base.toString(), template);
  }

  /** Name of the folder that {@link #export} fills. */
  String folderName() {
    return loaded.adapter().isPresent() ? ADAPTER : Technique.FULL.spelling() + "-model";
  }

  /**
   * Writes {@code directory/folderName}: an adapter in PEFT's layout, or a whole model; with the
   * chat template of the training, or of the base if there was none.
   */
  Path export(Path directory) {
    Path folder = directory.resolve(folderName());
    if (loaded.adapter().isPresent()) {
      loaded.adapter().get().write(folder, baseModel, layout());
      ChatTemplate.copy(loaded.directory(), folder);
    } else {
      CheckpointWriter.writeAsHeld(folder, loaded.directory(), loaded.model().parameters());
    }
    template.ifPresent(used -> used.write(folder));
    return folder;
  }

  private StoredLayout layout() {
    return Architecture.of(JsonConfig.read(loaded.directory().resolve("config.json")));
  }

  /** The same, and the exact bits of every trained value under its own name. */
  void write(Path checkpoint) {
    export(checkpoint);
    WeightsFile.writeAsHeld(checkpoint.resolve(EXACT), trained, Map.of(), StoredLayout.SAME);
  }

  /**
   * Takes the values of a checkpoint.
   *
   * @throws ConfigException if it holds other values than this recipe trains
   */
  void restore(Path checkpoint) {
    try (SafeTensors file = SafeTensors.open(checkpoint.resolve(EXACT))) {
      trained.forEach(parameter -> requireIn(file, parameter));
      if (file.entries().size() != trained.size()) {
        throw new ConfigException(
            "%s holds %d trained values, but the recipe trains %d; a run goes on only with the same technique, rank and targets"
                .formatted(file.file(), file.entries().size(), trained.size()));
      }
      for (Parameter parameter : trained) {
        parameter.value().copyFrom(file.bytes(parameter.name()));
      }
    }
  }

  private static void requireIn(SafeTensors file, Parameter parameter) {
    List<Long> shape = Arrays.stream(parameter.value().shape()).boxed().toList();
    TensorEntry entry = file.entries().get(parameter.name());
    if (entry == null
        || !entry.shape().equals(shape)
        || entry.type() != WeightsFile.held(parameter)) {
      throw new ConfigException(
          "%s: the recipe trains %s %s of shape %s, but the checkpoint holds %s; a run goes on only with the same technique, rank and targets"
              .formatted(
                  file.file(),
                  parameter.name(),
                  WeightsFile.held(parameter),
                  shape,
                  entry == null ? "no such value" : entry.type() + " of shape " + entry.shape()));
    }
  }

  /** Whether every trained value is a finite number. */
  boolean finite() {
    return trained.stream()
        .map(Parameter::value)
        .allMatch(value -> Double.isFinite(Kernels.of(value.device()).sumOfSquares(value)));
  }
}
