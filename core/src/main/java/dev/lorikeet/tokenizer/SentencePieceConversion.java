package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.tokenizer.JsonSteps.Prefix;
import dev.lorikeet.tokenizer.SentencePieceModel.Algorithm;
import dev.lorikeet.tokenizer.SentencePieceModel.Normalizer;
import dev.lorikeet.tokenizer.SentencePieceModel.Piece;
import dev.lorikeet.tokenizer.SentencePieceModel.PieceType;
import dev.lorikeet.tokenizer.TokenizerJson.Bpe;
import dev.lorikeet.tokenizer.TokenizerJson.Fallback;
import dev.lorikeet.tokenizer.TokenizerJson.Merge;
import dev.lorikeet.tokenizer.TokenizerJson.Steps;
import dev.lorikeet.tokenizer.TokenizerJson.Unigram;
import dev.lorikeet.tokenizer.TokenizerJson.WholeWords;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * Makes a {@code tokenizer.json} of a SentencePiece model, as transformers'
 * convert_slow_tokenizer.py does for the class that {@code tokenizer_config.json} names: Llama
 * (legacy and not), Gemma or T5. Without a class, or with one that says nothing, the model's own
 * settings decide, and ids are those of SentencePiece; transformers 5 leaves the space in front out
 * there.
 *
 * <p>BOS and EOS are put around a text where {@code add_bos_token} and {@code add_eos_token} say
 * so; a T5 text ends with EOS always.
 */
final class SentencePieceConversion {
  private static final int T5_EXTRA_IDS = 100;

  private final Path file;
  private final SentencePieceModel model;
  private final TokenizerConfig config;
  private final Style style;
  private final List<Piece> pieces;

  private SentencePieceConversion(Path file, SentencePieceModel model, TokenizerConfig config) {
    this.file = file;
    this.model = model;
    this.config = config;
    this.style = style(config);
    this.pieces = pieces();
  }

  /** What a tokenizer class makes of a model. */
  private enum Style {
    LLAMA,
    GEMMA,
    T5,
    /** What the model itself says. */
    OWN
  }

  /**
   * The bytes of the {@code tokenizer.json}.
   *
   * @param file where {@code model} was read from
   * @throws FormatException for a class or an algorithm that Lorikeet does not know, or a config
   *     that contradicts the model
   */
  static byte[] convert(Path file, SentencePieceModel model, TokenizerConfig config) {
    return new SentencePieceConversion(file, model, config).convert();
  }

  private static Style style(TokenizerConfig config) {
    String name = config.tokenizerClass().orElse("");
    return switch (name) {
      case "LlamaTokenizer" -> Style.LLAMA;
      case "GemmaTokenizer" -> Style.GEMMA;
      case "T5Tokenizer", "MT5Tokenizer" -> Style.T5;
      case "", "PreTrainedTokenizer", "TokenizersBackend" -> Style.OWN;
      default ->
          throw new FormatException(
              config.file(),
              "tokenizer_class",
              "is "
                  + name
                  + ", and how it reads a tokenizer.model is not known; known are LlamaTokenizer,"
                  + " GemmaTokenizer, T5Tokenizer and PreTrainedTokenizerFast. Save the tokenizer"
                  + " with transformers (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))"
                  + " and use the tokenizer.json that it writes.");
    };
  }

  private byte[] convert() {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      vocabulary.put(pieces.get(id).text(), id);
    }
    AddedTokens added = new AddedTokens(vocabulary);
    config.addTo(added);
    added.mark(pieces.get(model.specials().unknown()).text());
    for (Piece piece : pieces) {
      if (piece.type() == PieceType.CONTROL || piece.type() == PieceType.USER_DEFINED) {
        added.add(AddedToken.plain(piece.text(), piece.type() == PieceType.CONTROL));
      }
    }
    if (style == Style.GEMMA) {
      added.mark("<mask>");
    }
    Steps steps = new Steps(normalizer(), preTokenizer(), postProcessor(added), decoder());
    return TokenizerJson.write(added, steps, algorithm(vocabulary));
  }

  /** The model's pieces, renamed where an added token has their id, and T5's sentinels. */
  private List<Piece> pieces() {
    List<Piece> named = new ArrayList<>(model.pieces());
    Set<String> texts = named.stream().map(Piece::text).collect(Collectors.toSet());
    config
        .added()
        .forEach((id, token) -> {
          if (id < named.size() && !texts.contains(token.content())) {
            Piece old = named.get(id);
            named.set(id, new Piece(token.content(), old.score(), old.type()));
          }
        });
    if (style == Style.T5) {
      for (int i = config.number("extra_ids", T5_EXTRA_IDS) - 1; i >= 0; i--) {
        named.add(new Piece("<extra_id_" + i + ">", 0, PieceType.CONTROL));
      }
    }
    return named;
  }

  private TokenizerJson.Model algorithm(Map<String, Integer> vocabulary) {
    if (style == Style.T5 && model.algorithm() != Algorithm.UNIGRAM) {
      throw new FormatException(
          file, "model_type", "is " + model.algorithm() + ", but a T5Tokenizer needs UNIGRAM");
    }
    boolean bytes =
        switch (style) {
          case LLAMA, GEMMA -> true;
          case T5 -> false;
          case OWN -> model.byteFallback();
        };
    Fallback fallback = bytes ? Fallback.BYTES : Fallback.NONE;
    int unknown = model.specials().unknown();
    return switch (model.algorithm()) {
      case UNIGRAM -> new Unigram(pieces, unknown, fallback);
      case BPE ->
          new Bpe(
              vocabulary,
              merges(vocabulary),
              Optional.of(pieces.get(unknown).text()),
              fallback,
              WholeWords.MERGED);
      case WORD, CHAR ->
          throw new FormatException(
              file,
              "model_type",
              "is " + model.algorithm() + "; tokenizers of language models are UNIGRAM or BPE");
    };
  }

  /**
   * The merges that SentencePiece's greedy algorithm comes to: two pieces that make a third are
   * merged the earlier, the higher the score of that third. That is the order of ids in most
   * models; Llama's runs of spaces have low ids and the lowest score. transformers 5.18 goes by
   * ids, version 4 and the published files of Llama by scores.
   */
  private List<Merge> merges(Map<String, Integer> vocabulary) {
    List<Merge> merges = new ArrayList<>();
    pieces.stream()
        .sorted(Comparator.comparing(Piece::score, Comparator.reverseOrder()))
        .forEach(piece -> merges.addAll(cuts(piece.text(), vocabulary)));
    return merges;
  }

  /** The pairs of pieces that make {@code piece}, by the ids of the left ones. */
  private static List<Merge> cuts(String piece, Map<String, Integer> vocabulary) {
    List<Merge> cuts = new ArrayList<>();
    int cut = 0;
    while ((cut = piece.offsetByCodePoints(cut, 1)) < piece.length()) {
      String left = piece.substring(0, cut);
      String right = piece.substring(cut);
      if (vocabulary.containsKey(left) && vocabulary.containsKey(right)) {
        cuts.add(new Merge(left, right));
      }
    }
    cuts.sort(Comparator.comparing(merge -> vocabulary.getOrDefault(merge.left(), 0)));
    return cuts;
  }

  private JsonNode normalizer() {
    Normalizer own = model.normalizer();
    List<JsonNode> steps = new ArrayList<>();
    switch (style) {
      case LLAMA -> {
        if (!config.isOn("legacy")) {
          return JsonSteps.none();
        }
        if (prefix()) {
          steps.add(JsonSteps.prepend(JsonSteps.SPACE));
        }
        steps.add(JsonSteps.replace(" ", JsonSteps.SPACE));
        return JsonSteps.sequence("normalizers", steps);
      }
      case GEMMA -> steps.add(JsonSteps.replace(" ", JsonSteps.SPACE));
      case T5 -> addCharsMap(steps);
      case OWN -> {
        addCharsMap(steps);
        if (own.removeExtraSpaces()) {
          steps.add(JsonSteps.replaceAll("\\A +|[ " + JsonSteps.SPACE + "]+\\z", ""));
          steps.add(JsonSteps.replaceAll(" {2,}", " "));
        }
        if (prefix()) {
          steps.add(JsonSteps.prepend(JsonSteps.SPACE));
        }
        steps.add(JsonSteps.replace(" ", JsonSteps.SPACE));
      }
    }
    return JsonSteps.normalizers(steps);
  }

  private void addCharsMap(List<JsonNode> steps) {
    if (!model.normalizer().charsMap().isEmpty()) {
      steps.add(JsonSteps.precompiled(model.normalizer().charsMap()));
    }
  }

  private JsonNode preTokenizer() {
    return switch (style) {
      case LLAMA ->
          config.isOn("legacy")
              ? JsonSteps.none()
              : JsonSteps.metaspace(prefix() ? Prefix.FIRST : Prefix.NEVER, false);
      case GEMMA -> JsonSteps.splitBehindSpaces();
      case T5 ->
          JsonSteps.sequence(
              "pretokenizers",
              List.of(JsonSteps.whitespaceSplit(), JsonSteps.metaspace(Prefix.ALWAYS, true)));
      case OWN -> JsonSteps.none();
    };
  }

  private JsonNode decoder() {
    if (style == Style.T5) {
      return JsonSteps.metaspace(Prefix.ALWAYS, true);
    }
    List<JsonNode> steps = new ArrayList<>();
    steps.add(JsonSteps.replace(JsonSteps.SPACE, " "));
    if (style != Style.OWN || model.byteFallback()) {
      steps.add(JsonSteps.byteFallback());
    }
    steps.add(JsonSteps.fuse());
    if (style != Style.GEMMA && prefix()) {
      steps.add(JsonSteps.stripFirstSpace());
    }
    return JsonSteps.sequence("decoders", steps);
  }

  private JsonNode postProcessor(AddedTokens added) {
    Optional<String> begin = config.token("bos_token").or(() -> piece(model.specials().begin()));
    Optional<String> end = config.token("eos_token").or(() -> piece(model.specials().end()));
    boolean front = style != Style.T5 && config.isOn("add_bos_token");
    boolean behind = style == Style.T5 || config.isOn("add_eos_token");
    return JsonSteps.template(
        front ? begin.stream().toList() : List.of(),
        behind ? end.stream().toList() : List.of(),
        added);
  }

  private Optional<String> piece(int id) {
    return id >= 0 && id < pieces.size() ? Optional.of(pieces.get(id).text()) : Optional.empty();
  }

  /** Whether a space is put in front of a text. */
  private boolean prefix() {
    return style == Style.OWN
        ? model.normalizer().addDummyPrefix()
        : config.isNotOff("add_prefix_space");
  }
}
