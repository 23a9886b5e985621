package dev.lorikeet.tokenizer;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The steps of a {@code tokenizer.json} that Lorikeet puts tokenizers together from. */
final class JsonSteps {
  /** How SentencePiece writes a space. */
  static final String SPACE = "\u2581";

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private JsonSteps() {}

  /** Where {@link #metaspace} puts a space in front. */
  enum Prefix {
    /** Of every part of the text between added tokens. */
    ALWAYS,
    /** Of the part that begins the text. */
    FIRST,
    NEVER;

    private String spelling() {
      return switch (this) {
        case ALWAYS -> "always";
        case FIRST -> "first";
        case NEVER -> "never";
      };
    }
  }

  static JsonNode none() {
    return NODES.nullNode();
  }

  /** Nothing for no step, the step itself for one, and otherwise all in turn. */
  static JsonNode normalizers(List<? extends JsonNode> steps) {
    return switch (steps.size()) {
      case 0 -> none();
      case 1 -> steps.getFirst();
      default -> sequence("normalizers", steps);
    };
  }

  /** All in turn; {@code key} is what the kind of step calls its list. */
  static ObjectNode sequence(String key, List<? extends JsonNode> steps) {
    ObjectNode json = step("Sequence");
    ArrayNode list = json.putArray(key);
    steps.forEach(list::add);
    return json;
  }

  /** Normaliser or decoder: puts {@code content} in the place of a text. */
  static ObjectNode replace(String text, String content) {
    ObjectNode json = step("Replace");
    json.putObject("pattern").put("String", text);
    return json.put("content", content);
  }

  /** Normaliser: puts {@code content} in the place of what the expression (Oniguruma) finds. */
  static ObjectNode replaceAll(String expression, String content) {
    ObjectNode json = step("Replace");
    json.putObject("pattern").put("Regex", expression);
    return json.put("content", content);
  }

  /** Normaliser: puts a text in front of a text that is not empty. */
  static ObjectNode prepend(String text) {
    return step("Prepend").put("prepend", text);
  }

  /** Normaliser: SentencePiece's table of replacements, in Base64. */
  static ObjectNode precompiled(String charsMap) {
    return step("Precompiled").put("precompiled_charsmap", charsMap);
  }

  /** Normaliser: Unicode's composed form. */
  static ObjectNode nfc() {
    return step("NFC");
  }

  /** Pre-tokenizer or decoder: spaces become U+2581; where cut, each begins a word. */
  static ObjectNode metaspace(Prefix prefix, boolean cut) {
    return step("Metaspace")
        .put("replacement", SPACE)
        .put("prepend_scheme", prefix.spelling())
        .put("split", cut);
  }

  /** Pre-tokenizer: cuts at white space, which goes. */
  static ObjectNode whitespaceSplit() {
    return step("WhitespaceSplit");
  }

  /** Pre-tokenizer: cuts behind every space. */
  static ObjectNode splitBehindSpaces() {
    ObjectNode json = step("Split");
    json.putObject("pattern").put("String", " ");
    return json.put("behavior", "MergedWithPrevious").put("invert", false);
  }

  /** Pre-tokenizer: every match of the expression (Oniguruma) is a word. */
  static ObjectNode splitMatches(String expression) {
    ObjectNode json = step("Split");
    json.putObject("pattern").put("Regex", expression);
    return json.put("behavior", "Isolated").put("invert", false);
  }

  /** Pre-tokenizer or decoder: GPT-2's letter for each byte, words cut by its expression or not. */
  static ObjectNode byteLevel(boolean prefixSpace, boolean cut) {
    return step("ByteLevel")
        .put("add_prefix_space", prefixSpace)
        .put("trim_offsets", true)
        .put("use_regex", cut);
  }

  /** Decoder: pieces {@code <0x00>} to {@code <0xFF>} become characters. */
  static ObjectNode byteFallback() {
    return step("ByteFallback");
  }

  /** Decoder: all pieces become one. */
  static ObjectNode fuse() {
    return step("Fuse");
  }

  /** Decoder: takes one space off the beginning. */
  static ObjectNode stripFirstSpace() {
    return step("Strip").put("content", " ").put("start", 1).put("stop", 0);
  }

  /** Post-processor: the text between {@code front} and {@code behind}, which have to be added. */
  static ObjectNode template(List<String> front, List<String> behind, AddedTokens tokens) {
    ObjectNode json = step("TemplateProcessing");
    ObjectNode used = NODES.objectNode();
    ArrayNode single = json.putArray("single");
    ArrayNode pair = json.putArray("pair");
    for (int part = 0; part < 2; part++) {
      for (ArrayNode target : part == 0 ? List.of(single, pair) : List.of(pair)) {
        int type = part;
        front.forEach(token -> special(target, token, type));
        target
            .addObject()
            .putObject("Sequence")
            .put("id", part == 0 ? "A" : "B")
            .put("type_id", type);
        behind.forEach(token -> special(target, token, type));
      }
    }
    for (List<String> side : List.of(front, behind)) {
      for (String token : side) {
        ObjectNode definition = used.putObject(token).put("id", token);
        definition.putArray("ids").add(tokens.idOf(token).orElseThrow());
        definition.putArray("tokens").add(token);
      }
    }
    json.set("special_tokens", used);
    return json;
  }

  private static void special(ArrayNode target, String token, int type) {
    target.addObject().putObject("SpecialToken").put("id", token).put("type_id", type);
  }

  private static ObjectNode step(String type) {
    return NODES.objectNode().put("type", type);
  }
}
