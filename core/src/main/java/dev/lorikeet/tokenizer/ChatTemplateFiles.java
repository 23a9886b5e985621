package dev.lorikeet.tokenizer;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * The chat templates and special tokens in the folder of a tokenizer, read as transformers reads
 * them.
 *
 * <p>{@code chat_template.jinja} is the template "default", {@code
 * additional_chat_templates/NAME.jinja} the template NAME. Only where there is none of these counts
 * {@code chat_template} in {@code tokenizer_config.json}: a text, or a list of texts with names.
 * Last comes {@code chat_template.json}, in which processors of images keep theirs.
 *
 * @param templates by name; what messages call each of them, and its text
 * @param specialTokens by variable, such as {@code bos_token}
 */
record ChatTemplateFiles(Map<String, Source> templates, Map<String, String> specialTokens) {
  static final String DEFAULT = "default";
  private static final String KEY = "chat_template";
  private static final String MAIN = "chat_template.jinja";
  private static final String MORE = "additional_chat_templates";
  private static final String SUFFIX = ".jinja";
  private static final Set<String> STANDARD_TOKENS =
      Set.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /** A template's text and where it stands. */
  record Source(String name, String text) {}

  static ChatTemplateFiles read(Path folder) {
    Path configFile = folder.resolve("tokenizer_config.json");
    JsonNode config = json(configFile);
    Map<String, Source> templates = files(folder);
    if (templates.isEmpty()) {
      inConfig(configFile, config, templates);
    }
    if (templates.isEmpty()) {
      Path processor = folder.resolve("chat_template.json");
      inConfig(processor, json(processor), templates);
    }
    return new ChatTemplateFiles(templates, tokens(folder, config));
  }

  /** The same templates with the special tokens of {@code others}. */
  ChatTemplateFiles withTokensOf(ChatTemplateFiles others) {
    return new ChatTemplateFiles(templates, others.specialTokens);
  }

  /** Writes the templates as files that come before all others. */
  void write(Path folder) {
    templates.forEach((name, source) -> {
      boolean main = name.equals(DEFAULT);
      Path parent = main ? folder : folder.resolve(MORE);
      try {
        Files.createDirectories(parent);
      } catch (IOException e) {
        throw new RunException("the folder " + parent + " cannot be made", e);
      }
      AtomicFile.writeString(parent.resolve(main ? MAIN : name + SUFFIX), source.text());
    });
  }

  private static Map<String, Source> files(Path folder) {
    Map<String, Source> templates = new LinkedHashMap<>();
    Path main = folder.resolve(MAIN);
    if (Files.exists(main)) {
      templates.put(DEFAULT, new Source(main.toString(), text(main)));
    }
    Path more = folder.resolve(MORE);
    if (Files.isDirectory(more)) {
      try (Stream<Path> listed = Files.list(more)) {
        for (Path file : new TreeSet<>(listed.toList())) {
          String name = file.getFileName().toString();
          if (name.endsWith(SUFFIX)) {
            templates.put(
                name.substring(0, name.length() - SUFFIX.length()),
                new Source(file.toString(), text(file)));
          }
        }
      } catch (IOException e) {
        throw new FormatException(more, "cannot be listed: " + e, e);
      }
    }
    return templates;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new FormatException(file, "is not UTF-8 text; download it again", e);
    } catch (IOException e) {
      throw new FormatException(file, "cannot be read: " + e, e);
    }
  }

  private static void inConfig(Path file, JsonNode config, Map<String, Source> templates) {
    JsonNode value = config.path(KEY);
    if (value.isString()) {
      templates.put(DEFAULT, new Source(file + ", " + KEY, value.stringValue()));
      return;
    }
    if (value.isMissingNode() || value.isNull()) {
      return;
    }
    if (!value.isArray()) {
      throw new FormatException(
          file, KEY, "expected a text or a list of templates, found " + value.getNodeType());
    }
    for (JsonNode entry : value) {
      JsonNode name = entry.path("name");
      JsonNode template = entry.path("template");
      if (!name.isString() || !template.isString()) {
        throw new FormatException(
            file, KEY, "each template of the list needs the texts \"name\" and \"template\"");
      }
      templates.put(
          name.stringValue(),
          new Source(file + ", " + KEY + " " + name.stringValue(), template.stringValue()));
    }
  }

  private static Map<String, String> tokens(Path folder, JsonNode config) {
    Map<String, String> tokens = new LinkedHashMap<>();
    addTokens(config, tokens);
    addTokens(config.path("extra_special_tokens"), tokens);
    // Files from before added_tokens_decoder keep them in a file of their own, which comes first.
    if (!config.has("added_tokens_decoder")) {
      addTokens(json(folder.resolve("special_tokens_map.json")), tokens);
    }
    return tokens;
  }

  private static void addTokens(JsonNode holder, Map<String, String> tokens) {
    if (!holder.isObject()) {
      return;
    }
    holder
        .properties()
        .forEach(entry -> {
          String key = entry.getKey();
          JsonNode value = entry.getValue();
          JsonNode content = value.isObject() ? value.path("content") : value;
          if ((STANDARD_TOKENS.contains(key) || key.endsWith("_token")) && content.isString()) {
            tokens.put(key, content.stringValue());
          }
        });
  }

  private static JsonNode json(Path file) {
    if (!Files.exists(file)) {
      return MissingNode.getInstance();
    }
    try {
      return JsonMapper.shared().readTree(Files.readAllBytes(file));
    } catch (JacksonException e) {
      throw new FormatException(
          file, "is not valid JSON: " + e.getOriginalMessage() + "; download it again", e);
    } catch (IOException e) {
      throw new FormatException(file, "cannot be read: " + e, e);
    }
  }
}
