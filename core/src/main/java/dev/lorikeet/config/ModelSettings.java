package dev.lorikeet.config;

import java.util.Optional;

/**
 * Which base model is tuned: one in a folder or one of a hub.
 *
 * @param path folder with the checkpoint in Hugging Face layout, a GGUF file, or {@value #NANO}; a
 *     relative path starts at the working directory
 * @param id repository of a Hugging Face compatible hub as OWNER/NAME; given instead of a path
 * @param revision branch, tag or commit of {@code id}
 * @param dtype number format that the base weights are held in, but those that are quantised
 * @param quantization format that the linear maps of the blocks are held in
 * @param doubleQuant whether the scales of a 4-bit format are quantised too; no effect on int8
 * @param quantBlockSize weights that share a scale in a 4-bit format: a power of two, 32 to 4096
 */
public record ModelSettings(
    Optional<String> path,
    Optional<String> id,
    @Default(ModelSettings.MAIN) String revision,
    @Default("auto") Dtype dtype,
    @Default("auto") Quantization quantization,
    @Default("true") boolean doubleQuant,
    @Default("64") int quantBlockSize) {

  /** Revision of a repository where none is given. */
  public static final String MAIN = "main";

  /** Path that stands for the model embedded in Lorikeet. */
  public static final String NANO = "nano";

  /** Number format of the weights in memory; products are float32 with all of them. */
  public enum Dtype implements Choice {
    /** Every tensor as the checkpoint stores it; those in float64 become float32. */
    AUTO,
    /** 4 bytes. */
    FLOAT32,
    /** 2 bytes: the upper half of a float32. */
    BFLOAT16,
    /** 2 bytes: IEEE 754 binary16, up to 65504. */
    FLOAT16;

    /** Whether numbers of two bytes are asked for by name. */
    boolean half() {
      return this == BFLOAT16 || this == FLOAT16;
    }
  }

  /** Format that the linear maps of the blocks are held in. */
  public enum Quantization implements Choice {
    /** What the technique asks for: nf4 with qlora, otherwise none. */
    AUTO,
    /** As {@code dtype} says; maps that the checkpoint stores quantised stay so. */
    NONE,
    /** 4 bits: quantiles of the normal distribution (Dettmers et al. 2023). */
    NF4,
    /** 4 bits: a floating-point number. */
    FP4,
    /** 8 bits and a scale for every row (Dettmers et al. 2022). */
    INT8
  }

  private static final int MIN_BLOCK = 32;
  private static final int MAX_BLOCK = 4096;

  public ModelSettings {
    boolean powerOfTwo = Integer.bitCount(quantBlockSize) == 1;
    new Check()
        .notBlank("model.path", path.orElse("none"))
        .notBlank("model.id", id.orElse("none"))
        .notBlank("model.revision", revision)
        .require(
            path.isPresent() || id.isPresent(),
            "model.path is missing, and so is model.id; give a folder or the repository of a hub")
        .require(
            path.isEmpty() || id.isEmpty(),
            "model.id and model.path are both given; keep one of them (null takes the other away)")
        .require(
            id.isPresent() || revision.equals(MAIN),
            "model.revision is that of a repository, so it needs model.id")
        .require(
            powerOfTwo && quantBlockSize >= MIN_BLOCK && quantBlockSize <= MAX_BLOCK,
            "model.quant_block_size must be a power of two from %d to %d, found %d"
                .formatted(MIN_BLOCK, MAX_BLOCK, quantBlockSize))
        .done("model settings");
  }

  /** Whether the embedded model is meant rather than a folder. */
  public boolean embedded() {
    return path.filter(NANO::equals).isPresent();
  }

  /** What messages and records call the model: its path, its id, or {@code ID@REVISION}. */
  public String name() {
    return path.orElseGet(() -> {
      String repository = id.orElseThrow();
      return revision.equals(MAIN) ? repository : repository + "@" + revision;
    });
  }
}
