package dev.lorikeet.data;

/**
 * The prompt text of Stanford Alpaca in the form that litgpt uses: it ends with a line break after
 * "### Response:".
 *
 * @see <a href="https://github.com/tatsu-lab/stanford_alpaca#data-release">Stanford Alpaca</a>
 */
public final class AlpacaPrompt {
  private static final String WITH_INPUT =
      "Below is an instruction that describes a task, paired with an input that provides further"
          + " context. Write a response that appropriately completes the request.\n\n"
          + "### Instruction:\n";

  private static final String WITHOUT_INPUT =
      "Below is an instruction that describes a task. Write a response that appropriately completes"
          + " the request.\n\n"
          + "### Instruction:\n";

  private AlpacaPrompt() {}

  /** The prompt for an instruction; an empty {@code input} has a wording of its own. */
  public static String of(String instruction, String input) {
    return input.isEmpty()
        ? WITHOUT_INPUT + instruction + "\n\n### Response:\n"
        : WITH_INPUT + instruction + "\n\n### Input:\n" + input + "\n\n### Response:\n";
  }

  /** What stands between an answer and the next one. */
  static String following(String instruction, String input) {
    return "\n\n### Instruction:\n"
        + instruction
        + (input.isEmpty() ? "" : "\n\n### Input:\n" + input)
        + "\n\n### Response:\n";
  }
}
