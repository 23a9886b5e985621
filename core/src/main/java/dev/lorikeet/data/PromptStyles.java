package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings;
import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.data.Rendered.Beginning;
import dev.lorikeet.error.DataException;
import dev.lorikeet.tokenizer.ChatTemplate;
import dev.lorikeet.tokenizer.SpecialTokens;
import dev.lorikeet.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Finds the style that a recipe and a model ask for. */
final class PromptStyles {
  /**
   * What templates that write the date write: always the same one, so that a run can be repeated.
   * It is the date that Llama 3.2's template writes where it knows none.
   */
  static final Clock CLOCK = Clock.fixed(Instant.parse("2024-07-26T00:00:00Z"), ZoneOffset.UTC);

  private final String prompt;
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> ofModel;

  /**
   * Styles for a model.
   *
   * @param prompt as {@code data.prompt} has it
   * @param ofModel the model's chat template, if it has one
   */
  PromptStyles(String prompt, Tokenizer tokenizer, Optional<ChatTemplate> ofModel) {
    this.prompt = prompt;
    this.tokenizer = tokenizer;
    this.ofModel = ofModel;
  }

  /**
   * The style for records of {@code format}.
   *
   * @throws DataException if the model has no template that is asked for, or a file cannot be read
   */
  PromptStyle of(Format format) {
    return switch (prompt) {
      case "auto" -> byFormat(format);
      case "template" ->
          ofModel
              .map(PromptStyles::model)
              .orElseThrow(() ->
                  new DataException(
                      "data.prompt: template asks for the model's chat template, but the model has"
                          + " none; set data.prompt to chatml, alpaca or a template file"));
      case "alpaca" -> PieceStyle.ALPACA;
      case "plain" -> PieceStyle.PLAIN;
      default -> prompt.endsWith(DataSettings.TEMPLATE_ENDING) ? file() : named(prompt);
    };
  }

  private PromptStyle byFormat(Format format) {
    return switch (format) {
      case ALPACA -> PieceStyle.ALPACA;
      case AUTO, COMPLETION, PROMPT_COMPLETION, TEXT -> PieceStyle.PLAIN;
      case CHAT, SHAREGPT, TURNS ->
          ofModel.map(PromptStyles::model).orElseGet(() -> named("chatml"));
    };
  }

  private static PromptStyle model(ChatTemplate template) {
    return new TemplateStyle("the model's chat template", template, Beginning.WRITTEN_OUT);
  }

  private PromptStyle named(String name) {
    String source = resource("prompt/" + name + ".jinja");
    return new TemplateStyle(
        name, ChatTemplate.of(name, source, specialTokens(), CLOCK), Beginning.OF_TOKENIZER);
  }

  private PromptStyle file() {
    Path path = Path.of(prompt);
    String source;
    try {
      source = Files.readString(path);
    } catch (NoSuchFileException e) {
      throw new DataException(
          "data.prompt: the template file %s does not exist (looked in %s)"
              .formatted(path, Path.of("").toAbsolutePath()),
          e);
    } catch (CharacterCodingException e) {
      throw new DataException("data.prompt: the template file " + path + " is not UTF-8 text", e);
    } catch (IOException e) {
      throw new DataException(
          "data.prompt: the template file " + path + " cannot be read: " + e, e);
    }
    return new TemplateStyle(
        prompt, ChatTemplate.of(prompt, source, specialTokens(), CLOCK), Beginning.OF_TOKENIZER);
  }

  private Map<String, String> specialTokens() {
    Map<String, String> tokens = new LinkedHashMap<>();
    put(tokens, "bos_token", tokenizer.bosId());
    put(tokens, "eos_token", tokenizer.eosId());
    ofModel.ifPresent(template -> tokens.putAll(template.specialTokens()));
    return tokens;
  }

  private void put(Map<String, String> tokens, String name, OptionalInt id) {
    id.ifPresent(
        known -> tokens.put(name, tokenizer.decode(new int[] {known}, SpecialTokens.KEEP)));
  }

  private static String resource(String name) {
    try (InputStream stream = PromptStyles.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException("the resource " + name + " is missing");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("cannot read " + name, e);
    }
  }
}
