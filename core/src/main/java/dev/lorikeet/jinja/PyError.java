package dev.lorikeet.jinja;

/**
 * A failure inside a template before its line is known; its message is Python's where it has one.
 */
final class PyError extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final Kind kind;
  private final String text;

  /** The classes of failures that templates can tell apart, or that messages are begun with. */
  enum Kind {
    SYNTAX,
    TYPE,
    VALUE,
    LOOKUP,
    ARITHMETIC,
    UNDEFINED,
    SECURITY,
    RUNTIME,
    /** What {@code raise_exception} says. */
    RAISED,
    LIMIT
  }

  PyError(Kind kind, String text) {
    super(text, null, false, false);
    this.kind = kind;
    this.text = text;
  }

  static PyError type(String text) {
    return new PyError(Kind.TYPE, text);
  }

  static PyError value(String text) {
    return new PyError(Kind.VALUE, text);
  }

  static PyError runtime(String text) {
    return new PyError(Kind.RUNTIME, text);
  }

  Kind kind() {
    return kind;
  }

  String text() {
    return text;
  }
}
