package dev.lorikeet.cli;

/**
 * One line of {@code lorikeet doctor}.
 *
 * @param name what was looked at
 * @param verdict whether Lorikeet can work with it
 * @param found what is there
 * @param advice one sentence
 */
record Check(String name, Verdict verdict, String found, String advice) {
  /** Whether Lorikeet can work with what was found. */
  enum Verdict {
    /** Good. */
    OK,
    /** Works, but slowly or not with every model. */
    WARN,
    /** Lorikeet cannot work. */
    FAIL
  }

  static Check ok(String name, String found, String advice) {
    return new Check(name, Verdict.OK, found, advice);
  }

  static Check warn(String name, String found, String advice) {
    return new Check(name, Verdict.WARN, found, advice);
  }

  static Check fail(String name, String found, String advice) {
    return new Check(name, Verdict.FAIL, found, advice);
  }
}
