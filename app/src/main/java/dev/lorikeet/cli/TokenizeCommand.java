package dev.lorikeet.cli;

import dev.lorikeet.cli.Table.Column;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Token;
import dev.lorikeet.tokenizer.TokenizedText;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.tokenizer.Tokenizer.Additions;
import dev.lorikeet.tokenizer.TokenizerKind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lorikeet tokenize}. */
@Command(
    name = "tokenize",
    description = "Shows the tokens of a text as a model's tokenizer makes them.",
    footer = {
      "",
      "Offsets are positions in the text as Java and JavaScript count them (UTF-16). A space is shown"
          + " as \u2423, other characters that show nothing as an escape."
    })
final class TokenizeCommand implements Callable<Integer> {
  private final Console console;
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = ModelArgument.DESCRIPTION)
  private String model = "";

  @Option(
      names = "--no-special",
      description = "Leave out what the tokenizer itself puts in front and behind.")
  private boolean noSpecial;

  @ArgGroup(multiplicity = "1")
  private TextSource source = new TextSource();

  TokenizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    String text = source.read();
    try (Tokenizer tokenizer =
        HfTokenizer.open(LoadedModel.directoryOf(ModelArgument.folder(model, console)))) {
      TokenizedText made =
          tokenizer.tokenize(text, noSpecial ? Additions.NONE : Additions.OF_POLICY);
      if (json.wanted()) {
        console.json(document(text, tokenizer.kind(), made));
      } else {
        print(text, made);
      }
      BeginningNote.tell(console, tokenizer, text);
    }
    return 0;
  }

  private void print(String text, TokenizedText made) {
    Table table =
        new Table(
            Column.right("position"),
            Column.right("id"),
            Column.left("piece"),
            Column.left("offsets"),
            Column.left("text"));
    List<Token> tokens = made.tokens();
    for (int i = 0; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      table.row(
          Integer.toString(i),
          Integer.toString(token.id()),
          VisibleText.of(token.piece()),
          token.start() + "-" + token.end(),
          VisibleText.of(text.substring(token.start(), token.end())));
    }
    console.result(table.toString());
    console.result("");
    console.result(
        "%s tokens, %s characters each, %s unknown, %s special"
            .formatted(
                Amounts.count(tokens.size()),
                String.format(Locale.ROOT, "%.2f", charactersPerToken(text, made)),
                Amounts.count(made.count(Token.Kind.UNKNOWN)),
                Amounts.count(special(made))));
  }

  private static long special(TokenizedText made) {
    return made.count(Token.Kind.SPECIAL) + made.count(Token.Kind.ADDED);
  }

  /** Characters of the text (code points) for each token that stands for text; 0 without any. */
  private static double charactersPerToken(String text, TokenizedText made) {
    long special =
        made.tokens().stream()
            .filter(token -> token.kind() == Token.Kind.SPECIAL)
            .mapToLong(token -> text.codePointCount(token.start(), token.end()))
            .sum();
    long tokens = made.tokens().size() - special(made);
    return tokens == 0 ? 0 : (text.codePointCount(0, text.length()) - special) / (double) tokens;
  }

  private static Map<String, Object> document(String text, TokenizerKind kind, TokenizedText made) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("algorithm", kind.algorithm());
    json.put("read_from", kind.files());
    json.put(
        "tokens",
        IntStream.range(0, made.tokens().size()).mapToObj(i -> token(i, text, made)).toList());
    json.put("count", made.tokens().size());
    json.put("characters", text.codePointCount(0, text.length()));
    json.put("characters_per_token", charactersPerToken(text, made));
    json.put("unknown", made.count(Token.Kind.UNKNOWN));
    json.put("special", special(made));
    json.put("beginning", made.beginning().name().toLowerCase(Locale.ROOT));
    return json;
  }

  private static Map<String, Object> token(int position, String text, TokenizedText made) {
    Token token = made.tokens().get(position);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("position", position);
    json.put("id", token.id());
    json.put("piece", token.piece());
    json.put("start", token.start());
    json.put("end", token.end());
    json.put("text", text.substring(token.start(), token.end()));
    json.put("kind", token.kind().name().toLowerCase(Locale.ROOT));
    return json;
  }
}
