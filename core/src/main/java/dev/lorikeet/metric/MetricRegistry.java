package dev.lorikeet.metric;

import dev.lorikeet.error.ConfigException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The list of all metrics. */
public final class MetricRegistry {
  private final List<MetricFactory> factories;

  private MetricRegistry(List<MetricFactory> factories) {
    this.factories = List.copyOf(factories);
    if (factories.stream().map(MetricFactory::name).distinct().count() < factories.size()) {
      throw new IllegalStateException("two metrics have one name");
    }
  }

  /** Metrics that need no judge. */
  public static MetricRegistry standard(CommandPolicy commands) {
    return new MetricRegistry(
        Stream.of(answers(), overlaps(), forms(commands), likelihoods())
            .flatMap(List::stream)
            .toList());
  }

  private static List<MetricFactory> answers() {
    return List.of(
        new MetricFactory(
            "exact_match", "the expected text, raw or normalised", MetricRegistry::exactMatch),
        new MetricFactory(
            "numeric_match", "the expected number, within a tolerance", MetricRegistry::numbers),
        new MetricFactory(
            "regex_match",
            "what an expression finds in the answer is the expected text",
            MetricRegistry::regexMatch),
        new MetricFactory(
            "choice_accuracy",
            "the most likely choice is right",
            options ->
                new ChoiceAccuracy(options.choice("normalize", ChoiceAccuracy.Length.NONE))));
  }

  private static List<MetricFactory> overlaps() {
    return List.of(
        new MetricFactory("token_f1", "words in common, as SQuAD", _ -> new TokenF1()),
        rouge(Rouge.Kind.UNIGRAMS, "rouge_1", "words in common"),
        rouge(Rouge.Kind.BIGRAMS, "rouge_2", "pairs of words in common"),
        rouge(Rouge.Kind.SUBSEQUENCE, "rouge_l", "longest common subsequence"),
        rouge(Rouge.Kind.LINES, "rouge_lsum", "longest common subsequences line by line"),
        new MetricFactory(
            "bleu",
            "n-grams in common, as sacreBLEU",
            options -> new Bleu(options.choice("case", Bleu.Case.MIXED))),
        new MetricFactory(
            "chrf",
            "character n-grams in common, as sacreBLEU",
            _ -> new Chrf(Chrf.Grams.CHARACTERS)),
        new MetricFactory(
            "chrf++",
            "character and word n-grams in common, as sacreBLEU",
            _ -> new Chrf(Chrf.Grams.CHARACTERS_AND_WORDS)),
        new MetricFactory(
            "edit_similarity", "1 - edit distance / length", _ -> new EditSimilarity()));
  }

  private static List<MetricFactory> forms(CommandPolicy commands) {
    return List.of(
        new MetricFactory(
            "valid_json",
            "the answer is JSON",
            options -> new ValidJson(options.choice("place", JsonText.Place.WHOLE))),
        new MetricFactory("json_fields", "fields of the expected JSON", MetricRegistry::jsonFields),
        new MetricFactory(
            "code_compiles",
            "a command accepts the code in the answer",
            options -> codeCompiles(options, commands)),
        new MetricFactory(
            "length",
            "of the answer",
            options -> new TextLength(options.choice("unit", TextLength.Unit.WORDS))));
  }

  private static List<MetricFactory> likelihoods() {
    return List.of(
        likelihood(Perplexity.Scale.PERPLEXITY, "perplexity", "of the expected answer, a token"),
        likelihood(
            Perplexity.Scale.BYTE_PERPLEXITY, "byte_perplexity", "of the expected answer, a byte"),
        likelihood(
            Perplexity.Scale.BITS_PER_BYTE, "bits_per_byte", "surprise of the expected answer"));
  }

  /** This list and more, such as the judged metrics; names must differ. */
  public MetricRegistry with(List<MetricFactory> more) {
    List<MetricFactory> all = new ArrayList<>(factories);
    all.addAll(more);
    return new MetricRegistry(all);
  }

  /** Every metric, in the order of a listing. */
  public List<MetricFactory> list() {
    return factories;
  }

  /**
   * The metric that was asked for. Every metric that reads what the model wrote takes {@code
   * extract}, {@code group_select} and {@code fallback} besides its own options: it then scores
   * only what the expression finds.
   *
   * @throws ConfigException for an unknown name or option, or a wrong value; names the nearest
   */
  public Metric create(MetricSpec spec) {
    MetricFactory factory =
        factories.stream()
            .filter(candidate -> candidate.name().equals(spec.name()))
            .findFirst()
            .orElseThrow(() -> unknown(spec.name()));
    MetricOptions options = new MetricOptions(spec);
    Metric metric = factory.maker().apply(options);
    if (metric.needs().contains(Need.GENERATION)) {
      Optional<RegexFilter> filter = filter(options);
      options.done();
      return filter.isPresent() ? new Extracted(metric, filter.get()) : metric;
    }
    options.done();
    return metric;
  }

  private ConfigException unknown(String name) {
    return new ConfigException(
        "Metric "
            + name
            + " is unknown; "
            + Nearest.suggestion(
                name,
                factories.stream().map(MetricFactory::name).toList(),
                "the metrics are ",
                "there are none"));
  }

  private static Optional<RegexFilter> filter(MetricOptions options) {
    Optional<Pattern> expression = options.pattern("extract");
    int match = options.whole("group_select", 0, -1000, 1000);
    String fallback = options.text("fallback").orElse(RegexFilter.INVALID);
    return expression.map(pattern -> new RegexFilter(pattern, match, fallback));
  }

  private static Metric exactMatch(MetricOptions options) {
    Set<ExactMatch.Ignored> ignored = EnumSet.noneOf(ExactMatch.Ignored.class);
    for (ExactMatch.Ignored kind : ExactMatch.Ignored.values()) {
      if (options.flag("ignore_" + kind.name().toLowerCase(Locale.ROOT))) {
        ignored.add(kind);
      }
    }
    List<Pattern> removed = options.patterns("regexes_to_ignore");
    boolean asHarness = !ignored.isEmpty() || !removed.isEmpty();
    ExactMatch.Normalization normalization =
        options.choice(
            "normalize",
            asHarness ? ExactMatch.Normalization.HARNESS : ExactMatch.Normalization.NONE);
    if (asHarness && normalization != ExactMatch.Normalization.HARNESS) {
      options.refuse(
          "normalize must be harness, or left out, beside ignore_case, ignore_punctuation,"
              + " ignore_numbers and regexes_to_ignore");
    }
    return new ExactMatch("exact_match", normalization, ignored, removed);
  }

  private static Metric regexMatch(MetricOptions options) {
    if (options.text("extract").isEmpty()) {
      options.refuse("extract is missing; it is the expression to look for");
    }
    return ExactMatch.plain("regex_match");
  }

  private static Metric numbers(MetricOptions options) {
    return new NumericMatch(
        new NumericMatch.Reading(
            options.choice("pick", NumericMatch.Pick.LAST),
            options.choice("percent", NumericMatch.Percent.SHARE),
            options.choice("decimal", Quantity.Decimal.POINT)),
        options.notNegative("absolute", "0"),
        options.notNegative("relative", "0"));
  }

  private static MetricFactory rouge(Rouge.Kind kind, String name, String summary) {
    return new MetricFactory(
        name,
        summary + ", as rouge_score",
        options ->
            new Rouge(
                kind, options.flag("stemmer") ? Rouge.Words.STEMMED : Rouge.Words.AS_THEY_ARE));
  }

  private static MetricFactory likelihood(Perplexity.Scale scale, String name, String summary) {
    return new MetricFactory(name, summary, _ -> new Perplexity(scale));
  }

  private static Metric jsonFields(MetricOptions options) {
    return new JsonFields(
        options.choice("place", JsonText.Place.WHOLE),
        options.choice("lists", JsonFields.Lists.ORDERED),
        options.texts("fields"));
  }

  private static Metric codeCompiles(MetricOptions options, CommandPolicy commands) {
    if (commands == CommandPolicy.REFUSE) {
      throw new ConfigException(
          "Metric code_compiles runs a command on text that a model wrote, so it has to be allowed"
              + " expressly for this evaluation; leave it out, or allow commands if you trust both");
    }
    Optional<String> line = options.text("command");
    if (line.isEmpty()) {
      options.refuse(
          "command is missing; it is run on every answer, as python -m py_compile {file}");
    }
    String extension = options.text("extension").orElse("");
    int seconds = options.whole("timeout_seconds", 10, 1, 3600);
    int kilobytes = options.whole("most_output_kb", 1024, 1, 1_000_000);
    return new CodeCompiles(
        new CheckCommand(
            CheckCommand.words(line.orElse("{file}")),
            extension,
            Duration.ofSeconds(seconds),
            kilobytes * 1000L));
  }
}
