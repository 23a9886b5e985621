package dev.lorikeet.jinja;

/** Text that is being made: the rendering itself, or what a macro or a block is going to give. */
final class Output {
  private final StringBuilder text = new StringBuilder();
  private final Budget budget;
  private final Kind kind;

  enum Kind {
    /** What stands here stands in the rendering at the same place. */
    RENDERING,
    PART
  }

  Output(Kind kind, Budget budget) {
    this.kind = kind;
    this.budget = budget;
  }

  void append(String piece) {
    budget.text(piece.length());
    budget.fits((long) text.length() + piece.length());
    text.append(piece);
  }

  boolean isRendering() {
    return kind == Kind.RENDERING;
  }

  int length() {
    return text.length();
  }

  String text() {
    return text.toString();
  }
}
