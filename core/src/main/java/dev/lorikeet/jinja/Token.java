package dev.lorikeet.jinja;

/**
 * A piece of a template.
 *
 * @param text a name, an operator, the digits of a number, or the value of a string or of data
 * @param line line of its beginning, from 1
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    DATA("template data / text"),
    VARIABLE_BEGIN("begin of print statement"),
    VARIABLE_END("end of print statement"),
    BLOCK_BEGIN("begin of statement block"),
    BLOCK_END("end of statement block"),
    NAME("name"),
    STRING("string"),
    INTEGER("integer"),
    FLOAT("float"),
    OPERATOR("operator"),
    END("end of template");

    private final String words;

    Kind(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  /** What it is, for messages. */
  String words() {
    return kind == Kind.NAME || kind == Kind.OPERATOR ? text : kind.words();
  }
}
