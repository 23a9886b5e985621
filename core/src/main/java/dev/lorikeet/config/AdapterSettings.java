package dev.lorikeet.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What is trained: a low-rank adapter, or the weights themselves. Names and meaning follow PEFT's
 * LoraConfig.
 *
 * @param technique what is trained
 * @param r rank of the update, at least 1; the upper limit depends on the model's layers
 * @param loraAlpha scale numerator, above 0: the update is multiplied by loraAlpha / r
 * @param loraDropout probability in [0, 1) that an input of the adapter is zeroed in training
 * @param targetModules layers that get an adapter
 * @param excludeModules layers that get none although {@code targetModules} matches them
 * @param layersToTransform indices of the only blocks that get adapters, from 0; empty means all
 * @param rankPattern other ranks for layers whose name ends with a match of the key
 * @param alphaPattern other values of loraAlpha, found the same way
 * @param useRslora whether the scale is loraAlpha / √r instead of loraAlpha / r
 * @param modulesToSave name endings of modules that are trained and saved as a whole
 * @param initLoraWeights how the adapter starts
 * @param loftqIter how often LoftQ quantises the base, at least 1; more than once changes the base
 * @param train the only modules whose weights full fine-tuning trains
 * @param freeze modules whose weights full fine-tuning leaves alone
 * @param loraplusLrRatio learning rate of B and of vectors over that of A, above 0; empty: the same
 * @param initFrom folder of a PEFT adapter whose values training starts from
 */
public record AdapterSettings(
    @Default("lora") Technique technique,
    @Default("8") int r,
    @Default("16") double loraAlpha,
    @Default("0.0") double loraDropout,
    @Default(ModuleSelection.ALL_LINEAR) ModuleSelection targetModules,
    Optional<ModuleSelection> excludeModules,
    @Default("[]") List<Integer> layersToTransform,
    @Default("{}") Map<String, Integer> rankPattern,
    @Default("{}") Map<String, Double> alphaPattern,
    @Default("false") boolean useRslora,
    @Default("[]") List<String> modulesToSave,
    @Default("true") InitLoraWeights initLoraWeights,
    @Default("1") int loftqIter,
    Optional<ModuleSelection> train,
    Optional<ModuleSelection> freeze,
    OptionalDouble loraplusLrRatio,
    Optional<Path> initFrom) {

  /** What is trained. */
  public enum Technique implements Choice {
    /** A low-rank adapter; the base weights stay. */
    LORA,
    /** A low-rank adapter over a base whose linear maps are quantised to 4 or 8 bits. */
    QLORA,
    /** A low-rank adapter with trained row magnitudes: PEFT's {@code use_dora}. */
    DORA,
    /** The same over a base whose linear maps are quantised. */
    QDORA,
    /** Every weight of the model, or of chosen modules. */
    FULL;

    /** Whether the base is quantised unless the recipe says otherwise. */
    public boolean overQuantised() {
      return this == QLORA || this == QDORA;
    }

    /** Whether row magnitudes are trained. */
    public boolean trainsMagnitudes() {
      return this == DORA || this == QDORA;
    }
  }

  public AdapterSettings {
    layersToTransform = List.copyOf(layersToTransform);
    rankPattern = Check.ordered(rankPattern);
    alphaPattern = Check.ordered(alphaPattern);
    modulesToSave = List.copyOf(modulesToSave);
    Check check =
        new Check()
            .atLeast("adapter.r", 1, r)
            .positive("adapter.lora_alpha", loraAlpha)
            .fraction("adapter.lora_dropout", loraDropout)
            .atLeast("adapter.loftq_iter", 1, loftqIter)
            .selection("adapter.target_modules", targetModules)
            .selection("adapter.exclude_modules", excludeModules)
            .selection("adapter.train", train)
            .selection("adapter.freeze", freeze)
            .names("adapter.modules_to_save", modulesToSave);
    layersToTransform.forEach(layer -> check.atLeast("adapter.layers_to_transform", 0, layer));
    checkPatterns(check, rankPattern, alphaPattern);
    checkTargets(check, targetModules, layersToTransform, modulesToSave);
    boolean plain =
        initFrom.isEmpty()
            && excludeModules.isEmpty()
            && layersToTransform.isEmpty()
            && rankPattern.isEmpty()
            && alphaPattern.isEmpty()
            && modulesToSave.isEmpty()
            && !useRslora
            && loraplusLrRatio.isEmpty()
            && initLoraWeights instanceof InitLoraWeights.Uniform;
    checkTechnique(check, technique, plain, initFrom.isPresent());
    checkChoice(check, technique, train, freeze);
    check
        .require(
            initFrom.isEmpty() || !initLoraWeights.readsBase(),
            "adapter.init_lora_weights: "
                + initLoraWeights.spelling()
                + " computes the start from the base model, but"
                + " adapter.init_from brings one; leave one of them out")
        .require(
            loftqIter <= 1 || initLoraWeights instanceof InitLoraWeights.Loftq,
            "adapter.loftq_iter belongs to adapter.init_lora_weights: loftq; set that, or leave"
                + " loftq_iter out")
        .require(
            !technique.trainsMagnitudes() || !(initLoraWeights instanceof InitLoraWeights.Pissa),
            "adapter.init_lora_weights: pissa cannot be written as a plain adapter with the row"
                + " magnitudes of adapter.technique: "
                + technique.spelling()
                + "; use init_lora_weights true or gaussian, or technique lora")
        .positive("adapter.loraplus_lr_ratio", loraplusLrRatio.orElse(1))
        .done("adapter settings");
  }

  private static void checkChoice(
      Check check,
      Technique technique,
      Optional<ModuleSelection> train,
      Optional<ModuleSelection> freeze) {
    check
        .require(
            technique == Technique.FULL || (train.isEmpty() && freeze.isEmpty()),
            (train.isPresent() ? "adapter.train" : "adapter.freeze")
                + " chooses the layers of full fine-tuning; with an adapter use"
                + " adapter.target_modules, or set adapter.technique: full")
        .require(
            train.isEmpty() || freeze.isEmpty(),
            "adapter.train and adapter.freeze exclude each other: the first names what is trained,"
                + " the second what is not; leave one of them out");
  }

  private static void checkPatterns(
      Check check, Map<String, Integer> ranks, Map<String, Double> alphas) {
    ranks.forEach((pattern, rank) ->
        check
            .expression("adapter.rank_pattern", pattern)
            .atLeast("adapter.rank_pattern " + pattern, 1, rank));
    alphas.forEach((pattern, alpha) ->
        check
            .expression("adapter.alpha_pattern", pattern)
            .positive("adapter.alpha_pattern " + pattern, alpha));
  }

  private static void checkTargets(
      Check check, ModuleSelection targets, List<Integer> layers, List<String> saved) {
    switch (targets) {
      case ModuleSelection.Names(List<String> names) -> {
        check.require(
            !names.contains(ModuleSelection.ALL_LINEAR),
            "adapter.target_modules must be either all-linear or names of layers, found " + names);
        names.stream()
            .filter(saved::contains)
            .forEach(name ->
                check.require(
                    false,
                    "adapter.modules_to_save and adapter.target_modules both name "
                        + name
                        + "; a module is trained as a whole or gets an adapter, so leave one out"));
      }
      case ModuleSelection.Text text ->
          check.require(
              text.preset() || layers.isEmpty(),
              "adapter.layers_to_transform needs names or a preset in adapter.target_modules; an"
                  + " expression says itself which layers it means");
    }
  }

  private static void checkTechnique(
      Check check, Technique technique, boolean plain, boolean initFrom) {
    check.require(
        technique != Technique.FULL || plain,
        initFrom
            ? "adapter.init_from starts from an adapter, but adapter.technique: full trains the"
                + " weights themselves; leave one of them out"
            : "adapter.technique: full has no adapter, so exclude_modules, layers_to_transform,"
                + " rank_pattern, alpha_pattern, use_rslora, modules_to_save, init_lora_weights and"
                + " loraplus_lr_ratio mean nothing; leave them out, and use adapter.train or adapter.freeze to choose"
                + " layers");
  }
}
