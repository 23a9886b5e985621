package dev.lorikeet.config;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What is trained: a low-rank adapter or all weights. Names and meaning follow PEFT's LoraConfig.
 *
 * @param technique what is trained
 * @param r rank of the update, at least 1; the upper limit depends on the model's layers
 * @param loraAlpha scale numerator, above 0: the update is multiplied by loraAlpha / r
 * @param loraDropout probability in [0, 1) that an input of the adapter is zeroed in training
 * @param targetModules names of the linear layers that get an adapter, or only {@value #ALL_LINEAR}
 * @param loraplusLrRatio learning rate of B and of vectors over that of A, above 0; empty: the same
 * @param initFrom folder of a PEFT adapter whose values training starts from
 */
public record AdapterSettings(
    @Default("lora") Technique technique,
    @Default("8") int r,
    @Default("16") double loraAlpha,
    @Default("0.0") double loraDropout,
    @Default(ALL_LINEAR) List<String> targetModules,
    OptionalDouble loraplusLrRatio,
    Optional<Path> initFrom) {

  /** Target that stands for every linear layer but the output head, as in PEFT. */
  public static final String ALL_LINEAR = "all-linear";

  /** What is trained. */
  public enum Technique implements Choice {
    /** A low-rank adapter; the base weights stay. */
    LORA,
    /** A low-rank adapter over a base whose linear maps are quantised to 4 or 8 bits. */
    QLORA,
    /** Every weight of the model. */
    FULL
  }

  public AdapterSettings {
    targetModules = List.copyOf(targetModules);
    new Check()
        .atLeast("adapter.r", 1, r)
        .positive("adapter.lora_alpha", loraAlpha)
        .fraction("adapter.lora_dropout", loraDropout)
        .require(!targetModules.isEmpty(), "adapter.target_modules must name a layer, found none")
        .require(
            targetModules.stream().noneMatch(String::isBlank),
            "adapter.target_modules must not hold an empty name")
        .require(
            new HashSet<>(targetModules).size() == targetModules.size(),
            "adapter.target_modules must not name a layer twice, found " + targetModules)
        .require(
            targetModules.size() == 1 || !targetModules.contains(ALL_LINEAR),
            "adapter.target_modules must be either all-linear or names of layers, found "
                + targetModules)
        .positive("adapter.loraplus_lr_ratio", loraplusLrRatio.orElse(1))
        .require(
            technique != Technique.FULL || loraplusLrRatio.isEmpty(),
            "adapter.loraplus_lr_ratio is about the matrices of an adapter, but adapter.technique:"
                + " full has none; leave it out")
        .require(
            technique != Technique.FULL || initFrom.isEmpty(),
            "adapter.init_from starts from an adapter, but adapter.technique: full trains the"
                + " weights themselves; leave one of them out")
        .done("adapter settings");
  }

  /** Whether every linear layer is a target. */
  public boolean allLinear() {
    return targetModules.equals(List.of(ALL_LINEAR));
  }
}
