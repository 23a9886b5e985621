package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.Gguf;
import dev.lorikeet.tokenizer.SentencePieceModel.Algorithm;
import dev.lorikeet.tokenizer.SentencePieceModel.Normalizer;
import dev.lorikeet.tokenizer.SentencePieceModel.Piece;
import dev.lorikeet.tokenizer.SentencePieceModel.PieceType;
import dev.lorikeet.tokenizer.SentencePieceModel.Specials;
import dev.lorikeet.tokenizer.TokenizerJson.Bpe;
import dev.lorikeet.tokenizer.TokenizerJson.Fallback;
import dev.lorikeet.tokenizer.TokenizerJson.Merge;
import dev.lorikeet.tokenizer.TokenizerJson.Steps;
import dev.lorikeet.tokenizer.TokenizerJson.WholeWords;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokenizer in the metadata of a GGUF file, as the files of a Hugging Face folder.
 *
 * <p>{@code tokenizer.ggml.model} is {@code llama} (SentencePiece BPE: tokens, scores and types) or
 * {@code gpt2} (byte-level BPE: tokens, types and merges; {@code tokenizer.ggml.pre} says how text
 * is cut into words).
 */
public final class GgufTokenizer {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String TOKENS = PREFIX + "tokens";
  private static final String TYPES = PREFIX + "token_type";

  /** What the numbers of {@code token_type} mean, from 1. */
  private static final List<PieceType> TYPE_NUMBERS = List.of(PieceType.values());

  private final Gguf file;
  private final String model;
  private final List<String> tokens;
  private final PieceType[] types;

  private GgufTokenizer(Gguf file) {
    this.file = file;
    model = file.required(PREFIX + "model", file.string(PREFIX + "model"));
    tokens = file.required(TOKENS, file.strings(TOKENS));
    types = types();
  }

  /**
   * Names of files and their contents: {@code tokenizer.json}, {@code tokenizer_config.json}, and
   * {@code chat_template.jinja} if there is a template; none if the file has no tokenizer.
   *
   * @throws FormatException if keys are missing or contradict each other, or the kind of tokenizer
   *     is not known
   */
  public static Map<String, byte[]> files(Gguf file) {
    Optional<String> model = file.string(PREFIX + "model");
    return model.isEmpty() || model.get().equals("no_vocab")
        ? Map.of()
        : new GgufTokenizer(file).files();
  }

  private Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    TokenizerConfig config = config();
    files.put("tokenizer.json", model.equals("gpt2") ? byteLevel(config) : sentencePiece(config));
    files.put(
        "tokenizer_config.json", config.root().toPrettyString().getBytes(StandardCharsets.UTF_8));
    file.string("tokenizer.chat_template")
        .ifPresent(template ->
            files.put("chat_template.jinja", template.getBytes(StandardCharsets.UTF_8)));
    return files;
  }

  private PieceType[] types() {
    PieceType[] found = new PieceType[tokens.size()];
    Arrays.fill(found, PieceType.NORMAL);
    Optional<List<Number>> numbers = file.numbers(TYPES);
    if (numbers.isPresent()) {
      requireLength(TYPES, numbers.get().size());
      for (int id = 0; id < found.length; id++) {
        int number = numbers.get().get(id).intValue();
        if (number < 1 || number > TYPE_NUMBERS.size()) {
          throw new FormatException(
              file.file(), TYPES, "token " + id + " has the unknown type " + number + ".");
        }
        found[id] = TYPE_NUMBERS.get(number - 1);
      }
    }
    return found;
  }

  private void requireLength(String key, int length) {
    if (length != tokens.size()) {
      throw new FormatException(
          file.file(), key, "has %d entries for %d tokens.".formatted(length, tokens.size()));
    }
  }

  /** What {@code tokenizer_config.json} would say. */
  private TokenizerConfig config() {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    Map<String, AddedToken> named = new LinkedHashMap<>();
    List.of("bos", "eos", "unk", "pad")
        .forEach(name -> {
          String key =
              PREFIX
                  + switch (name) {
                    case "unk" -> "unknown";
                    case "pad" -> "padding";
                    default -> name;
                  }
                  + "_token_id";
          file.integer(key)
              .ifPresent(id -> {
                String text = token(key, id);
                root.put(name + "_token", text);
                named.put(name + "_token", AddedToken.plain(text, true));
              });
        });
    root.put("add_bos_token", file.bool(PREFIX + "add_bos_token").orElse(addsBegin()));
    root.put("add_eos_token", file.bool(PREFIX + "add_eos_token").orElse(false));
    root.put("clean_up_tokenization_spaces", false);
    root.put("tokenizer_class", "PreTrainedTokenizerFast");
    return new TokenizerConfig(
        file.file(), Optional.empty(), Optional.empty(), named, List.of(), Map.of(), root);
  }

  private String token(String key, int id) {
    if (id >= tokens.size()) {
      throw new FormatException(
          file.file(), key, "is %d, but there are %d tokens.".formatted(id, tokens.size()));
    }
    return tokens.get(id);
  }

  /** What llama.cpp does where the file does not say. */
  private boolean addsBegin() {
    return model.equals("llama")
        || file.string(PREFIX + "pre").filter(GgufWords::beginsByDefault).isPresent();
  }

  private byte[] sentencePiece(TokenizerConfig config) {
    if (!model.equals("llama")) {
      throw new FormatException(
          file.file(),
          PREFIX + "model",
          "is "
              + model
              + "; llama (SentencePiece BPE) and gpt2 (byte-level BPE) are known. Use the"
              + " safetensors checkpoint of the model.");
    }
    String key = PREFIX + "scores";
    List<Number> scores = file.required(key, file.numbers(key));
    requireLength(key, scores.size());
    List<Piece> pieces = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      pieces.add(new Piece(tokens.get(id), scores.get(id).floatValue(), types[id]));
    }
    int unknown =
        file.integer(PREFIX + "unknown_token_id")
            .orElseGet(() -> Math.max(0, Arrays.asList(types).indexOf(PieceType.UNKNOWN)));
    token(PREFIX + "unknown_token_id", unknown);
    SentencePieceModel converted =
        new SentencePieceModel(
            pieces,
            Algorithm.BPE,
            new Specials(unknown, id("bos"), id("eos")),
            Arrays.asList(types).contains(PieceType.BYTE),
            new Normalizer(
                "",
                file.bool(PREFIX + "add_space_prefix").orElse(true),
                file.bool(PREFIX + "remove_extra_whitespaces").orElse(false)));
    return SentencePieceConversion.convert(file.file(), converted, config);
  }

  private int id(String name) {
    return file.integer(PREFIX + name + "_token_id").orElse(-1);
  }

  private byte[] byteLevel(TokenizerConfig config) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (vocabulary.put(tokens.get(id), id) != null) {
        throw new FormatException(
            file.file(),
            TOKENS,
            "token " + id + " is \"" + tokens.get(id) + "\", as an earlier one.");
      }
    }
    GgufWords words = GgufWords.of(file);
    AddedTokens added = new AddedTokens(vocabulary);
    config.addTo(added);
    for (int id = 0; id < tokens.size(); id++) {
      if (types[id] == PieceType.CONTROL || types[id] == PieceType.USER_DEFINED) {
        added.add(AddedToken.plain(tokens.get(id), types[id] == PieceType.CONTROL));
      }
    }
    Steps steps =
        new Steps(
            words.normalizer(),
            words.preTokenizer(),
            JsonSteps.template(
                config.isOn("add_bos_token")
                    ? config.token("bos_token").stream().toList()
                    : List.of(),
                config.isOn("add_eos_token")
                    ? config.token("eos_token").stream().toList()
                    : List.of(),
                added),
            JsonSteps.byteLevel(true, true));
    return TokenizerJson.write(
        added,
        steps,
        new Bpe(
            vocabulary,
            merges(vocabulary),
            Optional.empty(),
            Fallback.NONE,
            words == GgufWords.LLAMA3 ? WholeWords.TAKEN : WholeWords.MERGED));
  }

  private List<Merge> merges(Map<String, Integer> vocabulary) {
    String key = PREFIX + "merges";
    List<Merge> merges = new ArrayList<>();
    for (String line : file.required(key, file.strings(key))) {
      // A token may begin with a space in files of some converters; none is empty.
      int space = line.indexOf(' ', 1);
      Merge merge =
          space < 0
              ? new Merge(line, "")
              : new Merge(line.substring(0, space), line.substring(space + 1));
      for (String part : List.of(merge.left(), merge.right(), merge.left() + merge.right())) {
        if (!vocabulary.containsKey(part)) {
          throw new FormatException(
              file.file(),
              key,
              "merge "
                  + merges.size()
                  + " (\""
                  + line
                  + "\") needs the token \""
                  + part
                  + "\", which "
                  + TOKENS
                  + " does not hold.");
        }
      }
      merges.add(merge);
    }
    return merges;
  }
}
