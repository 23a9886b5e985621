package dev.lorikeet.config;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * What is trained: a low-rank adapter or all weights. Names and meaning follow PEFT's LoraConfig.
 *
 * @param technique what is trained
 * @param r rank of the update, at least 1; the upper limit depends on the model's layers
 * @param loraAlpha scale numerator, above 0: the update is multiplied by loraAlpha / r
 * @param loraDropout probability in [0, 1) that an input of the adapter is zeroed in training
 * @param targetModules names of the linear layers that get an adapter, or only {@value #ALL_LINEAR}
 * @param initFrom folder of a PEFT adapter whose values training starts from
 */
public record AdapterSettings(
    @Default("lora") Technique technique,
    @Default("8") int r,
    @Default("16") double loraAlpha,
    @Default("0.0") double loraDropout,
    @Default(ALL_LINEAR) List<String> targetModules,
    Optional<Path> initFrom) {

  /** Target that stands for every linear layer but the output head, as in PEFT. */
  public static final String ALL_LINEAR = "all-linear";

  /** What is trained. */
  public enum Technique implements Choice {
    /** A low-rank adapter; the base weights stay. */
    LORA,
    /** The same with trained row magnitudes: PEFT's {@code use_dora}. */
    DORA,
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
