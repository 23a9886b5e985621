package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Which files of a repository are wanted.
 *
 * <p>Usually: all but weights in other formats than safetensors, and safetensors that repeat the
 * model (in subfolders, or as {@code consolidated*}). A repository without safetensors gives its
 * only GGUF file; of several the user has to choose, and pickled weights alone are refused. Of a
 * data set: its training records, see {@link DataFiles}.
 */
public final class FileChoice {
  private static final String SAFETENSORS = ".safetensors";
  private static final String GGUF = ".gguf";
  private static final Set<String> PICKLED = Set.of("bin", "pt", "pth", "ckpt", "pkl", "pickle");
  private static final Set<String> OTHER_WEIGHTS =
      Set.of(
          "gguf",
          "ggml",
          "h5",
          "hdf5",
          "msgpack",
          "onnx",
          "onnx_data",
          "ot",
          "tflite",
          "pb",
          "npz",
          "npy",
          "joblib",
          "nemo",
          "pdparams",
          "mlmodel",
          "llamafile");
  private static final Set<String> OTHER_FOLDERS =
      Set.of("onnx", "openvino", "coreml", "original", "runs", "gguf");

  private final List<Glob> include;

  private FileChoice(List<Glob> include) {
    this.include = List.copyOf(include);
  }

  /** What a model needs, or what is trained on of a data set. */
  public static FileChoice usual() {
    return new FileChoice(List.of());
  }

  /**
   * The files whose path one of the patterns matches, and no others; what is {@link #usual} if
   * there is no pattern.
   *
   * @param patterns as in the hub's other tools: {@code *.json}, {@code onnx/*}
   * @throws ConfigException if one cannot be read
   */
  public static FileChoice matching(List<String> patterns) {
    return new FileChoice(patterns.stream().map(Glob::new).toList());
  }

  /**
   * What was chosen of a repository.
   *
   * @param files wanted
   * @param skipped not wanted
   */
  record Chosen(List<HubFile> files, List<HubFile> skipped) {}

  /**
   * Divides the files of {@code repo}.
   *
   * @throws ConfigException if none is left, or the user has to choose
   */
  Chosen of(RepoId repo, List<HubFile> all) {
    if (!include.isEmpty()) {
      Chosen chosen =
          divided(all, file -> include.stream().anyMatch(glob -> glob.matches(file.path())));
      if (chosen.files().isEmpty()) {
        throw new ConfigException(
            "no file of %s matches the pattern; it has %s"
                .formatted(repo, named(all.stream().map(HubFile::path).toList())));
      }
      return chosen;
    }
    return switch (repo.kind()) {
      case MODEL -> model(repo, all);
      case DATASET -> {
        List<HubFile> training = DataFiles.training(repo, all);
        yield divided(all, training::contains);
      }
    };
  }

  /**
   * The files that a repository has to have in the cache to be whole; none where the user has to
   * choose: what was chosen is all that is wanted.
   */
  static List<HubFile> needed(RepoId repo, List<HubFile> all) {
    try {
      return usual().of(repo, all).files();
    } catch (ConfigException choose) {
      return List.of();
    }
  }

  private static Chosen model(RepoId repo, List<HubFile> all) {
    List<HubFile> top = all.stream().filter(f -> !f.path().contains("/")).toList();
    boolean safe = top.stream().anyMatch(f -> f.path().endsWith(SAFETENSORS));
    if (safe) {
      return divided(all, file -> usual(file) && !repeats(file));
    }
    List<HubFile> gguf = all.stream().filter(f -> f.path().endsWith(GGUF)).toList();
    if (gguf.size() > 1) {
      throw new ConfigException(
          "%s has %d GGUF files and no safetensors; choose with --include 'NAME': %s"
              .formatted(repo, gguf.size(), named(gguf.stream().map(HubFile::path).toList())));
    }
    List<String> pickled = top.stream().filter(FileChoice::pickled).map(HubFile::path).toList();
    if (gguf.isEmpty() && !pickled.isEmpty()) {
      throw new ConfigException(
          "%s has its weights only as pickled files (%s), which can run any code when they are opened, so Lorikeet does not read them; look for a revision or another repository with safetensors, or convert the model with transformers (save_pretrained writes safetensors). --include '*' downloads the files all the same"
              .formatted(repo, named(pickled)));
    }
    return divided(all, file -> usual(file) || gguf.contains(file));
  }

  private static Chosen divided(List<HubFile> all, Predicate<HubFile> wanted) {
    var parts = all.stream().collect(Collectors.partitioningBy(wanted));
    return new Chosen(
        List.copyOf(parts.getOrDefault(true, new ArrayList<>())),
        List.copyOf(parts.getOrDefault(false, new ArrayList<>())));
  }

  private static boolean usual(HubFile file) {
    int slash = file.path().indexOf('/');
    String folder = slash < 0 ? "" : file.path().substring(0, slash);
    return !OTHER_FOLDERS.contains(folder.toLowerCase(Locale.ROOT))
        && !PICKLED.contains(extension(file))
        && !OTHER_WEIGHTS.contains(extension(file));
  }

  /** Weights beside those of the model itself. */
  private static boolean repeats(HubFile file) {
    return file.path().endsWith(SAFETENSORS)
        && (file.path().contains("/") || file.path().startsWith("consolidated"));
  }

  private static boolean pickled(HubFile file) {
    return PICKLED.contains(extension(file));
  }

  private static String extension(HubFile file) {
    String name = file.name();
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }

  private static String named(List<String> paths) {
    int shown = Math.min(10, paths.size());
    String rest = paths.size() > shown ? " and " + (paths.size() - shown) + " more" : "";
    return String.join(", ", paths.subList(0, shown)) + rest;
  }
}
