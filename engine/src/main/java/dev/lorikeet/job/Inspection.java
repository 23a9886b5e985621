package dev.lorikeet.job;

import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.tokenizer.TokenizerKind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a model is, from its config and the headers of its files: the model's own code is run on a
 * device that has shapes and no memory, so no weight is read and libtorch is not loaded.
 *
 * @param directory the model folder
 * @param architecture {@code model_type} of the config
 * @param shape sizes
 * @param parameters counts of numbers
 * @param storedType number format of most weights in the files; none without weights
 * @param weightBytes bytes that the weights take in memory, held as asked for
 * @param files the folder's files
 * @param tokenizer facts about the tokenizer; none if it cannot be used
 * @param techniques what could be trained
 * @param warnings sentences about what does not fit
 */
public record Inspection(
    Path directory,
    String architecture,
    Shape shape,
    Parameters parameters,
    Optional<String> storedType,
    long weightBytes,
    List<ModelFile> files,
    Optional<TokenizerFacts> tokenizer,
    List<TechniqueCount> techniques,
    List<String> warnings) {

  public Inspection {
    files = List.copyOf(files);
    techniques = List.copyOf(techniques);
    warnings = List.copyOf(warnings);
  }

  /** Whether the output head has weights of its own. */
  public enum Head {
    TIED,
    OWN
  }

  /**
   * Sizes of a model.
   *
   * @param contextLength tokens that a sequence may have
   * @param vocabularySize rows of the embedding
   * @param hiddenSize columns of the residual stream
   * @param layers blocks
   * @param heads query heads
   * @param kvHeads key and value heads
   * @param headDim columns of a head
   * @param head whether the output head is the embedding
   */
  public record Shape(
      int contextLength,
      int vocabularySize,
      int hiddenSize,
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      Head head) {}

  /**
   * Numbers that a model has.
   *
   * @param total of all weights; a tied head counts once
   * @param kinds by the last word of the module's name, in the order of the model
   * @param perLayer of every block, from the first
   */
  public record Parameters(long total, List<Kind> kinds, List<Long> perLayer) {
    public Parameters {
      kinds = List.copyOf(kinds);
      perLayer = List.copyOf(perLayer);
    }
  }

  /**
   * Modules that have the same last word, such as {@code q_proj}.
   *
   * @param modules how many there are
   * @param weightShape of the first one's weight
   * @param parameters numbers of all of them, biases included
   */
  public record Kind(String name, int modules, List<Long> weightShape, long parameters) {
    public Kind {
      weightShape = List.copyOf(weightShape);
    }
  }

  /** A file of the model folder. */
  public record ModelFile(String name, long bytes) {}

  /** A token that begins or ends a sequence. */
  public record TokenFact(int id, String text) {}

  /**
   * A tokenizer.
   *
   * @param vocabularySize highest id + 1
   * @param kind its algorithm and files
   * @param bos begins a sequence, whether or not it is put in front
   * @param eos ends a sequence
   * @param prefix what is put in front of every sequence
   */
  public record TokenizerFacts(
      int vocabularySize,
      TokenizerKind kind,
      Optional<TokenFact> bos,
      Optional<TokenFact> eos,
      List<TokenFact> prefix) {
    public TokenizerFacts {
      prefix = List.copyOf(prefix);
    }
  }

  /**
   * What a technique would train.
   *
   * @param technique the recipe's word
   * @param setting rank and targets, or "all weights"
   * @param trainable numbers that change
   * @param total numbers of the model, adapters included
   */
  public record TechniqueCount(String technique, String setting, long trainable, long total) {
    /** Share of the numbers that change, 0 to 1. */
    public double share() {
      return (double) trainable / total;
    }
  }

  /**
   * Looks at a model.
   *
   * @param path folder of a Hugging Face checkpoint, or {@code nano}; weights may be missing
   * @throws LorikeetException if there is no such folder, or config or weights are damaged or of an
   *     unknown architecture
   */
  public static Inspection of(String path) {
    return of(path, QuantizationScheme.none());
  }

  /**
   * Looks at a model as it would be loaded with a quantised base.
   *
   * @param base how the linear maps of the blocks are held
   */
  public static Inspection of(String path, QuantizationScheme base) {
    Path directory = LoadedModel.directoryOf(path);
    List<String> warnings = new ArrayList<>();
    Optional<HfCheckpoint> opened = ModelFolder.open(directory, warnings);
    JsonConfig config =
        opened.map(HfCheckpoint::config).orElseGet(() -> ModelFolder.config(directory));
    try {
      return new Inspector(config, opened, base, warnings).inspect(directory);
    } finally {
      opened.ifPresent(HfCheckpoint::close);
    }
  }

  /** What {@code config} alone implies: no files, no tokenizer. */
  static Inspection of(JsonConfig config) {
    return new Inspector(config, Optional.empty(), QuantizationScheme.none(), new ArrayList<>())
        .inspect();
  }
}
