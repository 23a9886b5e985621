package dev.lorikeet.job;

import dev.lorikeet.adapter.ChosenLayers;
import dev.lorikeet.adapter.ChosenLayers.Rule;
import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.adapter.LoraSettings;
import dev.lorikeet.adapter.LoraStart;
import dev.lorikeet.adapter.Targets;
import dev.lorikeet.config.AdapterSettings;
import dev.lorikeet.config.AdapterSettings.Technique;
import dev.lorikeet.config.InitLoraWeights;
import dev.lorikeet.config.ModuleSelection;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TargetModules;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/** What a recipe's adapter section means to the engine. */
final class AdapterRecipe {
  private AdapterRecipe() {}

  /** The adapter of {@code config}, fresh or going on from files; none with full training. */
  static Optional<LoraAdapter> adapter(RunConfig config, Device device) {
    return config.adapter().technique() == Technique.FULL
        ? Optional.empty()
        : Optional.of(adapter(config.adapter(), device, config.train().seed()));
  }

  /** The adapter of a low-rank technique, fresh or going on from files. */
  static LoraAdapter adapter(AdapterSettings adapter, Device device, long seed) {
    LoraSettings settings = settings(adapter);
    return adapter
        .initFrom()
        .map(dir -> LoraAdapter.readAs(dir, settings, device))
        .orElseGet(() -> LoraAdapter.fresh(settings, device, seed));
  }

  /** Whether the model's own weights are trained. */
  static Training training(AdapterSettings adapter) {
    return adapter.technique() == Technique.FULL ? Training.TRAINABLE : Training.FROZEN;
  }

  /** A sentence for the user where weights of two bytes are held in four although nobody asked. */
  static Optional<String> widened(RunConfig config, Path model) {
    if (config.model().dtype() == config.baseDtype()) {
      return Optional.empty();
    }
    try (HfCheckpoint checkpoint = HfCheckpoint.open(model)) {
      StoredType stored = checkpoint.dtype();
      return stored.bytes() >= Float.BYTES
          ? Optional.empty()
          : Optional.of(
              "the checkpoint's weights are %s, but adapter.init_lora_weights: pissa changes them, so they are held in float32 at twice the memory."
                  .formatted(stored));
    }
  }

  static LoraSettings settings(AdapterSettings adapter) {
    return new LoraSettings(
        adapter.r(),
        adapter.loraAlpha(),
        adapter.useRslora(),
        adapter.loraDropout(),
        targets(adapter),
        adapter.rankPattern(),
        adapter.alphaPattern(),
        adapter.modulesToSave(),
        switch (adapter.initLoraWeights()) {
          case InitLoraWeights.Uniform _ -> LoraStart.UNIFORM;
          case InitLoraWeights.Gaussian _ -> LoraStart.GAUSSIAN;
          case InitLoraWeights.Pissa(OptionalInt iterations) ->
              iterations.isPresent() ? LoraStart.pissa(iterations.getAsInt()) : LoraStart.PISSA;
          case InitLoraWeights.Loftq _ -> LoraStart.loftq(adapter.loftqIter());
        },
        adapter.technique().trainsMagnitudes());
  }

  private static Targets targets(AdapterSettings adapter) {
    Targets all = targets(adapter.targetModules());
    Targets some =
        adapter.excludeModules().map(excluded -> all.without(modules(excluded))).orElse(all);
    return adapter.layersToTransform().isEmpty()
        ? some
        : some.inLayers(adapter.layersToTransform());
  }

  static Targets targets(ModuleSelection selection) {
    return switch (selection) {
      case ModuleSelection.Names(var names) -> Targets.of(names);
      case ModuleSelection.Text(var text) -> Targets.of(text);
    };
  }

  /** The layers that full fine-tuning is told to train or to freeze, if it is. */
  static Optional<ChosenLayers> chosenLayers(AdapterSettings adapter) {
    return adapter
        .train()
        .map(selection -> new ChosenLayers(Rule.TRAIN, modules(selection)))
        .or(() ->
            adapter.freeze().map(selection -> new ChosenLayers(Rule.FREEZE, modules(selection))));
  }

  private static TargetModules modules(ModuleSelection selection) {
    return switch (selection) {
      case ModuleSelection.Names(var names) -> new TargetModules.Names(names);
      case ModuleSelection.Text(var text) -> new TargetModules.Expression(text);
    };
  }
}
