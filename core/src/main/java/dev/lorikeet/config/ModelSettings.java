package dev.lorikeet.config;

/**
 * Which base model is tuned.
 *
 * @param path folder with the checkpoint in Hugging Face layout, or {@value #NANO}; a relative
 *     folder starts at the working directory
 * @param dtype number format that the base weights are held in
 */
public record ModelSettings(String path, @Default("float32") Dtype dtype) {

  /** Path that stands for the model embedded in Lorikeet. */
  public static final String NANO = "nano";

  /** Number format of the weights. */
  public enum Dtype implements Choice {
    FLOAT32
  }

  public ModelSettings {
    new Check().notBlank("model.path", path).done("model settings");
  }

  /** Whether the embedded model is meant rather than a folder. */
  public boolean embedded() {
    return path.equals(NANO);
  }
}
