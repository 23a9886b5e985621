package dev.lorikeet.format;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.FormatException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A model folder in Hugging Face's layout, opened for reading: {@code config.json} with either
 * {@code model.safetensors} or {@code model.safetensors.index.json} and the shards it names.
 *
 * <p>Owns the mapped files. Tensors keep their own names; {@code lm_head.weight} is absent where
 * the head is tied to the embedding. Any number of threads may read.
 */
public final class HfCheckpoint implements AutoCloseable {
  private static final String CONFIG = "config.json";
  private static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private final Path directory;
  private final JsonConfig config;
  private final Map<String, TensorFile> fileByTensor;
  private final List<TensorFile> files;
  private final StoredLayout layout;
  private final BlockUse blocks;

  /** What becomes of a quantised weight of a GGUF file. */
  private enum BlockUse {
    KEPT,
    AS_NUMBERS
  }

  private HfCheckpoint(
      Path directory,
      JsonConfig config,
      Map<String, TensorFile> fileByTensor,
      List<TensorFile> files,
      StoredLayout layout,
      BlockUse blocks) {
    this.directory = directory;
    this.config = config;
    this.fileByTensor = Collections.unmodifiableMap(fileByTensor);
    this.files = List.copyOf(files);
    this.layout = layout;
    this.blocks = blocks;
  }

  /**
   * Opens the model in {@code dir} and checks that its files agree with each other.
   *
   * @throws ConfigException if there is no such folder
   * @throws FormatException if configuration or weights are missing or damaged, quantised by
   *     another method than bitsandbytes, or the shard index and the shards disagree
   */
  public static HfCheckpoint open(Path dir) {
    if (!Files.isDirectory(dir)) {
      PickleFiles.refuse(dir);
      throw new ConfigException(
          "Cannot open the model "
              + dir
              + (Files.exists(dir) ? ": it is a file." : ": there is no such folder.")
              + " Give the folder that holds config.json and model.safetensors.");
    }
    Path configFile = dir.resolve(CONFIG);
    if (!Files.exists(configFile)) {
      throw new FormatException(
          configFile,
          "the model folder has no config.json. Download the whole model, or give the folder that"
              + " holds its config.json.");
    }
    JsonConfig config = JsonConfig.read(configFile);
    refuseUnknownQuantisation(config);
    Shards shards = Shards.open(dir, weightsFile(dir));
    return new HfCheckpoint(
        dir, config, shards.fileByTensor(), shards.files(), StoredLayout.SAME, BlockUse.KEPT);
  }

  /**
   * The same files as a model sees them: under its names, matrices as [out, in]. Closing one closes
   * the other.
   */
  public HfCheckpoint seenBy(StoredLayout model) {
    return new HfCheckpoint(directory, config, fileByTensor, files, model, blocks);
  }

  /** The model folder. */
  public Path directory() {
    return directory;
  }

  /** The contents of config.json. */
  public JsonConfig config() {
    return config;
  }

  /** The tensors' names in files: by shard as the index lists them, then in file order. */
  public Set<String> names() {
    return fileByTensor.keySet();
  }

  /**
   * Names in files of tensors that are none of {@code names} and belong to none of them, as scales
   * of quantised weights do.
   */
  public List<String> othersThan(Collection<String> names) {
    Set<String> used = names.stream().map(this::stored).collect(Collectors.toSet());
    return names().stream()
        .filter(name -> !used.contains(name) && !BitsAndBytes.isCompanion(name))
        .toList();
  }

  /** Whether there is a tensor of this name. */
  public boolean contains(String name) {
    return fileByTensor.containsKey(stored(name));
  }

  /**
   * Type, shape and place of a tensor.
   *
   * @throws FormatException if there is none of this name
   */
  public TensorEntry entry(String name) {
    TensorEntry entry = file(name).entry(stored(name));
    return isTurned(name)
        ? new TensorEntry(
            entry.name(), entry.type(), entry.shape().reversed(), entry.begin(), entry.end())
        : entry;
  }

  /**
   * The file that holds a tensor.
   *
   * @throws FormatException if there is none of this name
   */
  public Path fileOf(String name) {
    return file(name).file();
  }

  /**
   * The stored bytes of a tensor: read-only, perhaps unaligned, valid until {@link #close}.
   *
   * @throws FormatException if there is none of this name
   * @throws IllegalStateException if the files hold the matrix the other way around
   */
  public MemorySegment bytes(String name) {
    if (isTurned(name)) {
      throw new IllegalStateException(name + " lies in the files as [in, out]");
    }
    return file(name).bytes(stored(name));
  }

  /**
   * Reads a tensor as little-endian float32.
   *
   * @param expectedShape the shape that config.json implies
   * @param impliedBy the keys and numbers that imply it, for the message, such as
   *     "num_attention_heads 32 × head_dim 64"
   * @param target four bytes for every element
   * @throws FormatException if there is no such tensor, its shape is another one, or it holds
   *     integers
   */
  public void readFloats(
      String name, List<Long> expectedShape, String impliedBy, MemorySegment target) {
    requireFits(name, expectedShape, impliedBy);
    if (isTurned(name)) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment asStored = arena.allocate(target.byteSize());
        file(name).readFloats(stored(name), asStored);
        turn(asStored, expectedShape.getFirst(), Float.BYTES, target);
      }
      return;
    }
    file(name).readFloats(stored(name), target);
  }

  /**
   * Copies the stored bytes of a tensor.
   *
   * @param target as many bytes as the tensor has
   * @throws FormatException if there is no such tensor
   */
  public void readBytes(String name, MemorySegment target) {
    if (isTurned(name)) {
      TensorEntry entry = entry(name);
      turn(file(name).bytes(stored(name)), entry.shape().getFirst(), entry.type().bytes(), target);
      return;
    }
    file(name).readBytes(stored(name), target);
  }

  /**
   * The kind of blocks that a GGUF file holds a quantised weight in; nothing for another weight, or
   * if blocks are to be read as numbers.
   *
   * @param expectedShape as {@link #readFloats} has it, and so {@code impliedBy}
   * @throws FormatException if there is no such tensor or its shape is another one
   */
  public Optional<GgufType> blockType(String name, List<Long> expectedShape, String impliedBy) {
    if (blocks == BlockUse.AS_NUMBERS || !contains(name)) {
      return Optional.empty();
    }
    Optional<GgufType> type = file(name).blockType(stored(name));
    if (type.isPresent()) {
      requireFits(name, expectedShape, impliedBy);
    }
    return type;
  }

  /** The kind of blocks that most weights in blocks are in; nothing if no weight is. */
  public Optional<GgufType> blockType() {
    Map<GgufType, Long> elements = new EnumMap<>(GgufType.class);
    fileByTensor.forEach((name, file) ->
        file.blockType(name)
            .ifPresent(type -> elements.merge(type, file.entry(name).elements(), Long::sum)));
    return elements.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey);
  }

  /** Copies the blocks of a weight that has them, row by row. */
  public void readBlocks(String name, MemorySegment target) {
    file(name).readBlocks(stored(name), target);
  }

  /** The same files, in which blocks are read as numbers. Closing one closes the other. */
  public HfCheckpoint withBlocksAsNumbers() {
    return new HfCheckpoint(directory, config, fileByTensor, files, layout, BlockUse.AS_NUMBERS);
  }

  private String stored(String name) {
    return layout.storedName(name, fileByTensor::containsKey);
  }

  private boolean isTurned(String name) {
    return layout.storedInputFirst(name)
        && !file(name).storesOutputFirst()
        && file(name).entry(stored(name)).shape().size() == 2
        && file(name).entry(stored(name)).type().isFloat();
  }

  /**
   * A matrix with rows and columns exchanged.
   *
   * @param from [columns, rows]
   * @param rows rows of the result
   * @param bytes of an element
   * @param to [rows, columns]
   */
  static void turn(MemorySegment from, long rows, int bytes, MemorySegment to) {
    long columns = rows == 0 ? 0 : to.byteSize() / bytes / rows;
    for (long row = 0; row < rows; row++) {
      for (long column = 0; column < columns; column++) {
        MemorySegment.copy(
            from, (column * rows + row) * bytes, to, (row * columns + column) * bytes, bytes);
      }
    }
  }

  /**
   * Refuses a tensor that is not what config.json implies.
   *
   * @param expectedShape as {@link #readFloats} has it, and so {@code impliedBy}
   * @throws FormatException if there is no such tensor, its shape is another one, or it belongs to
   *     a quantised weight
   */
  public void requireFits(String name, List<Long> expectedShape, String impliedBy) {
    if (!contains(name)) {
      throw new FormatException(
          directory,
          name,
          ("the weights hold no such tensor, but config.json implies one of shape %s"
                  + " (%s). Weights and config come from different revisions or the download"
                  + " is incomplete; download both again from one revision.")
              .formatted(expectedShape, impliedBy));
    }
    TensorEntry entry = entry(name);
    if (BitsAndBytes.isQuantised(this, name)) {
      throw new FormatException(
          fileOf(name),
          name,
          "holds %s of a quantised weight, but only the linear maps of the blocks may be quantised; plain numbers (F32, F16 or BF16) are needed here."
              .formatted(entry.type()));
    }
    if (!entry.shape().equals(expectedShape)) {
      throw new FormatException(
          fileOf(name),
          name,
          ("shape %s, but config.json implies %s (%s). Weights and config come from"
                  + " different revisions; download both again from one revision.")
              .formatted(entry.shape(), expectedShape, impliedBy));
    }
  }

  /** Number of stored floating-point elements; a tied head counts once, scales not at all. */
  public long parameterCount() {
    return names().stream()
        .filter(name -> !BitsAndBytes.isCompanion(name))
        .map(this::entry)
        .filter(entry -> entry.type().isFloat())
        .mapToLong(TensorEntry::elements)
        .sum();
  }

  /** The floating-point type of most parameters; F32 where there are none. */
  public StoredType dtype() {
    Map<StoredType, Long> elements = new EnumMap<>(StoredType.class);
    for (String name : names()) {
      TensorEntry entry = entry(name);
      if (entry.type().isFloat() && !BitsAndBytes.isCompanion(name)) {
        elements.merge(entry.type(), entry.elements(), Long::sum);
      }
    }
    return elements.entrySet().stream()
        .max(Map.Entry.comparingByValue(Comparator.naturalOrder()))
        .map(Map.Entry::getKey)
        .orElse(StoredType.F32);
  }

  /** Unmaps every file; segments handed out before become invalid. */
  @Override
  public void close() {
    files.forEach(TensorFile::close);
  }

  private TensorFile file(String name) {
    return Optional.ofNullable(fileByTensor.get(stored(name)))
        .orElseThrow(() ->
            new FormatException(
                directory,
                name,
                "the weights hold no such tensor. Download the model again from one revision."));
  }

  private static void refuseUnknownQuantisation(JsonConfig config) {
    config
        .object("quantization_config")
        .ifPresent(quantization -> {
          String method = quantization.findString("quant_method").orElse("unnamed method");
          if (!method.equals(BitsAndBytes.METHOD)) {
            throw new FormatException(
                config.file(),
                "quantization_config",
                "the weights are quantised ("
                    + method
                    + "), which is not supported; bitsandbytes is. Use the"
                    + " model's float32, float16 or bfloat16 checkpoint.");
          }
        });
  }

  private static Path weightsFile(Path dir) {
    for (String name : List.of(SINGLE, INDEX, GgufWeights.POINTER)) {
      if (Files.exists(dir.resolve(name))) {
        return dir.resolve(name);
      }
    }
    Optional<Path> gguf = GgufWeights.onlyIn(dir);
    if (gguf.isPresent()) {
      return gguf.get();
    }
    PickleFiles.refuseIn(dir);
    throw new FormatException(
        dir,
        "the model folder has no weights: expected model.safetensors or"
            + " model.safetensors.index.json. Download the whole model.");
  }
}
