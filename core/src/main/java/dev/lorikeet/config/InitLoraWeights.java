package dev.lorikeet.config;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How a low-rank adapter starts; spelled as PEFT spells it. */
public sealed interface InitLoraWeights {

  /** A uniform in ±1/√in, B zero; written {@code true}. */
  record Uniform() implements InitLoraWeights {}

  /** A normal with standard deviation 1/r, B zero; written {@code gaussian}. */
  record Gaussian() implements InitLoraWeights {}

  /**
   * The largest singular values of the weight, which leave the base (Meng et al. 2024); written
   * {@code pissa}, or {@code pissa_niter_4} with a number of subspace iterations.
   *
   * @param iterations of the randomised decomposition, at least 0; empty for the exact one
   */
  record Pissa(OptionalInt iterations) implements InitLoraWeights {}

  /**
   * The largest singular values of what quantisation loses (Li et al. 2023); written {@code loftq}.
   */
  record Loftq() implements InitLoraWeights {}

  /** What there is, for messages. */
  String SPELLINGS = "true, gaussian, pissa, pissa_niter_N, loftq";

  /** The start of this spelling. */
  static Optional<InitLoraWeights> of(String spelling) {
    Matcher iterations = Pattern.compile("pissa_niter_(\\d{1,4})").matcher(spelling);
    if (iterations.matches()) {
      return Optional.of(new Pissa(OptionalInt.of(Integer.parseInt(iterations.group(1)))));
    }
    return switch (spelling) {
      case "true" -> Optional.of(new Uniform());
      case "gaussian" -> Optional.of(new Gaussian());
      case "pissa" -> Optional.of(new Pissa(OptionalInt.empty()));
      case "loftq" -> Optional.of(new Loftq());
      default -> Optional.empty();
    };
  }

  /** The value as a recipe writes it. */
  default String spelling() {
    return switch (this) {
      case Uniform _ -> "true";
      case Gaussian _ -> "gaussian";
      case Pissa(OptionalInt iterations) ->
          iterations.isPresent() ? "pissa_niter_" + iterations.getAsInt() : "pissa";
      case Loftq _ -> "loftq";
    };
  }

  /** Whether the start is computed from the weights of the base. */
  default boolean readsBase() {
    return this instanceof Pissa || this instanceof Loftq;
  }
}
