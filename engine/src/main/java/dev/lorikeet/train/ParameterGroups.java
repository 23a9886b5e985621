package dev.lorikeet.train;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.train.ParameterGroup.Decay;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/**
 * Which group a parameter belongs to, by its name and shape.
 *
 * @param noDecay regular expressions; a parameter whose name holds a match is not decayed
 * @param loraPlus other learning rates for the parts of an adapter
 */
public record ParameterGroups(List<String> noDecay, Optional<LoraPlus> loraPlus) {

  /**
   * LoRA+ as PEFT's create_loraplus_optimizer has it: lora_B and every vector learn at {@code
   * ratio} times the rate, and the adapter of an embedding at {@value #EMBEDDING_RATE}, its
   * loraplus_lr_embedding.
   *
   * @param ratio above 0, usually above 1
   * @param peak the highest learning rate of the run
   * @see <a href="https://arxiv.org/abs/2402.12354">Hayou et al. 2024, section 4</a>
   */
  public record LoraPlus(double ratio, double peak) {
    static final double EMBEDDING_RATE = 1e-6;

    private double rateFactor(Parameter parameter) {
      if (parameter.name().contains("lora_embedding_")) {
        return EMBEDDING_RATE / peak;
      }
      boolean fast = parameter.name().contains("lora_B") || parameter.value().rank() == 1;
      return fast ? ratio : 1;
    }
  }

  public ParameterGroups {
    noDecay = List.copyOf(noDecay);
  }

  /** Everything decayed, one learning rate. */
  public static ParameterGroups none() {
    return new ParameterGroups(List.of(), Optional.empty());
  }

  /**
   * The groups that a recipe asks for.
   *
   * @param loraPlusRatio empty for one learning rate
   * @param peak the highest learning rate of the run
   */
  public static ParameterGroups of(
      List<String> noDecay, OptionalDouble loraPlusRatio, double peak) {
    return new ParameterGroups(
        noDecay,
        loraPlusRatio.isPresent()
            ? Optional.of(new LoraPlus(loraPlusRatio.getAsDouble(), peak))
            : Optional.empty());
  }

  /** The group of {@code parameter}. */
  public ParameterGroup of(Parameter parameter) {
    boolean spared = noDecay.stream().anyMatch(pattern -> holds(parameter, pattern));
    return new ParameterGroup(
        loraPlus.map(rates -> rates.rateFactor(parameter)).orElse(1.0),
        spared ? Decay.NONE : Decay.APPLIED);
  }

  /**
   * Refuses an expression that no parameter's name holds: it would be a slip of the pen.
   *
   * @throws ConfigException with some of the names that there are
   */
  public void requireMatches(List<Parameter> parameters) {
    for (String pattern : noDecay) {
      if (parameters.stream().noneMatch(parameter -> holds(parameter, pattern))) {
        throw new ConfigException(
            "train.no_decay: %s is in the name of none of the %d trained parameters, which are called %s; mend the expression or leave it out"
                .formatted(pattern, parameters.size(), someNames(parameters)));
      }
    }
  }

  private static boolean holds(Parameter parameter, String pattern) {
    return Pattern.compile(pattern).matcher(parameter.name()).find();
  }

  private static String someNames(List<Parameter> parameters) {
    List<String> names = parameters.stream().map(Parameter::name).toList();
    String first = String.join(", ", names.subList(0, Math.min(3, names.size())));
    return names.size() <= 3 ? first : first + " … " + names.getLast();
  }
}
