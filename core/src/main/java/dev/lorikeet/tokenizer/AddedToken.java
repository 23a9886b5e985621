package dev.lorikeet.tokenizer;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A token that is looked for in the text before anything else happens to it.
 *
 * @param content its text
 * @param special whether it steers the model and is left out of decoded text
 * @param normalized whether it is looked for in the normalised text instead of the given one
 * @param leftStrip whether it takes the white space in front of it
 * @param rightStrip whether it takes the white space behind it
 * @param singleWord whether it is no part of a longer word
 */
record AddedToken(
    String content,
    boolean special,
    boolean normalized,
    boolean leftStrip,
    boolean rightStrip,
    boolean singleWord) {

  /** One that is found as it is written. */
  static AddedToken plain(String content, boolean special) {
    return new AddedToken(content, special, false, false, false, false);
  }

  /** The same with another {@code special}. */
  AddedToken withSpecial(boolean changed) {
    return new AddedToken(content, changed, normalized, leftStrip, rightStrip, singleWord);
  }

  /**
   * A text, or an object as transformers writes it; a text and what an object leaves open have
   * transformers' defaults.
   */
  static AddedToken of(JsonNode node, boolean special) {
    if (node.isString()) {
      return plain(node.stringValue(), special);
    }
    boolean isSpecial = node.path("special").asBoolean(special);
    return new AddedToken(
        node.path("content").asString(""),
        isSpecial,
        node.path("normalized").asBoolean(!isSpecial),
        node.path("lstrip").asBoolean(false),
        node.path("rstrip").asBoolean(false),
        node.path("single_word").asBoolean(false));
  }

  /** The form of {@code tokenizer.json}. */
  void write(ObjectNode json, int id) {
    json.put("id", id);
    json.put("content", content);
    json.put("single_word", singleWord);
    json.put("lstrip", leftStrip);
    json.put("rstrip", rightStrip);
    json.put("normalized", normalized);
    json.put("special", special);
  }
}
