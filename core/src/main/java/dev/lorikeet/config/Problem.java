package dev.lorikeet.config;

/** One thing wrong with a recipe and where it is written. */
record Problem(YamlNode.Place place, String text) {
  static final YamlNode.Place NOWHERE = new YamlNode.Place(Integer.MAX_VALUE, "");

  /** The problem as the user reads it. */
  String sentence() {
    return place.label().isEmpty() ? text : place.label() + ": " + text;
  }
}
