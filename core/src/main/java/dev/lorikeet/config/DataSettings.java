package dev.lorikeet.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which text is learned and how it becomes sequences of tokens.
 *
 * @param train file with the training records, or a folder of text files
 * @param id data set of a Hugging Face compatible hub as OWNER/NAME, instead of {@code train}
 * @param revision branch, tag or commit of {@code id}
 * @param files patterns of the files of {@code id}; none means its training files by their names
 * @param sources several such places with weights, instead of {@code train}
 * @param query SQL that makes the records out of {@code train}, which it knows as the table {@code
 *     data}
 * @param columns what the records call the keys of the format, such as {@code prompt: question}
 * @param validation held-out part: a share of {@code train} or a file of its own
 * @param format how the records are written
 * @param prompt how a record becomes text: one of {@link #PROMPTS} or the path of a template file
 * @param loss which turns are learned; empty means by {@code maskPrompt}
 * @param onBadRecord what becomes of records that cannot be used
 * @param maxSeqLen longest sequence in tokens, at least 2; longer ones are cut at the end
 * @param packing whether the examples of one micro-batch are joined without padding; changes speed,
 *     never the training trajectory
 * @param maskPrompt whether only the response is trained
 * @param shuffle whether each epoch has an order of its own, drawn from the seed
 */
public record DataSettings(
    Optional<Path> train,
    Optional<String> id,
    @Default(ModelSettings.MAIN) String revision,
    @Default("[]") List<String> files,
    @Default("[]") List<SourceSettings> sources,
    Optional<String> query,
    @Default("{}") Map<String, String> columns,
    @Default("0.05") Validation validation,
    @Default("auto") Format format,
    @Default("auto") String prompt,
    Optional<Loss> loss,
    @Default("stop") BadRecordPolicy onBadRecord,
    @Default("512") int maxSeqLen,
    @Default("true") boolean packing,
    @Default("true") boolean maskPrompt,
    @Default("true") boolean shuffle) {

  /** Values of {@code prompt} that are no file. */
  public static final Set<String> PROMPTS =
      Set.of("auto", "template", "alpaca", "chatml", "llama-2", "phi-3", "plain");

  /** Ending of a template file's name. */
  public static final String TEMPLATE_ENDING = ".jinja";

  /** Layout of the records. */
  public enum Format implements Choice {
    /** Whichever the first records have. */
    AUTO,
    /** {@code instruction}, {@code input} and {@code output}. */
    ALPACA,
    /** {@code prompt} and {@code completion} or {@code response}. */
    COMPLETION,
    /** Another name of {@link #COMPLETION}. */
    PROMPT_COMPLETION,
    /** {@code messages} with {@code role} and {@code content}, and {@code tools}. */
    CHAT,
    /** {@code conversations} with {@code from} and {@code value}, {@code system}, {@code tools}. */
    SHAREGPT,
    /** {@code conversations}, a list of texts that user and assistant say in turn. */
    TURNS,
    /** Plain text, or records with {@code text}. */
    TEXT
  }

  /** Which turns are learned. */
  public enum Loss implements Choice {
    /** What the assistant says. */
    RESPONSE,
    /** Everything. */
    ALL,
    /** The last thing that the assistant says. */
    LAST_TURN
  }

  /** What becomes of a record that cannot be used. */
  public enum BadRecordPolicy implements Choice {
    /** The first one ends the command. */
    STOP,
    /** It is left out and counted. */
    SKIP
  }

  /** Where held-out examples come from. */
  public sealed interface Validation {
    /** Share of the training records in [0, 1); 0 holds out none. */
    record Fraction(double value) implements Validation {}

    /** A file in the same format as the training file. */
    record File(Path path) implements Validation {}
  }

  public DataSettings {
    sources = List.copyOf(sources);
    files = List.copyOf(files);
    columns = Check.ordered(columns);
    Check check =
        new Check()
            .require(
                train.isPresent() || id.isPresent() || !sources.isEmpty(),
                "data.train is missing; name a file, several in data.sources, or a repository of"
                    + " the hub in data.id")
            .require(train.isEmpty() || id.isEmpty(), "data.id: data.train is given, too; keep one")
            .require(
                id.isEmpty() || sources.isEmpty(),
                "data.id: data.sources is given, too; move the data set there, as {id: OWNER/NAME}")
            .hub("data", id, revision, files)
            .require(
                train.isEmpty() || sources.isEmpty(),
                "data.sources and data.train are both given; move the file of data.train to"
                    + " data.sources")
            .require(
                query.isEmpty() || sources.isEmpty(),
                "data.query is for data.train; give the sources queries of their own")
            .notBlank("data.train", train.map(Path::toString).orElse("-"))
            .columns("data.columns", columns)
            .require(
                PROMPTS.contains(prompt) || prompt.endsWith(TEMPLATE_ENDING),
                "data.prompt must be one of auto, template, alpaca, chatml, llama-2, phi-3, plain,"
                    + " or a template file that ends in .jinja, found "
                    + prompt)
            .require(
                loss.isEmpty() || maskPrompt || loss.get() == Loss.ALL,
                "data.loss: response and last_turn leave the prompt out, but data.mask_prompt:"
                    + " false trains it; leave data.mask_prompt out")
            .atLeast("data.max_seq_len", 2, maxSeqLen);
    switch (validation) {
      case Validation.Fraction(double value) -> check.fraction("data.validation", value);
      case Validation.File(Path path) -> check.notBlank("data.validation", path.toString());
    }
    check.done("data settings");
  }

  /** Which turns are learned, with {@code mask_prompt} taken into account. */
  public Loss learned() {
    return loss.orElse(maskPrompt ? Loss.RESPONSE : Loss.ALL);
  }

  /** {@code sources}, or {@code train} or {@code id} as the only one. */
  public List<SourceSettings> trainSources() {
    if (train.isPresent()) {
      return List.of(SourceSettings.of(train.get(), query));
    }
    return id.map(set -> List.of(SourceSettings.of(set, revision, files, query))).orElse(sources);
  }
}
