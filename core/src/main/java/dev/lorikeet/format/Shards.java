package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The open weights files of one checkpoint, one or many.
 *
 * @param fileByTensor which file holds which tensor
 * @param files every open file once; the receiver closes them
 */
record Shards(Map<String, TensorFile> fileByTensor, List<TensorFile> files) {
  private static final String ADVICE = " Download index and shards again from one revision.";

  /**
   * Opens {@code weights}, a safetensors file, an index, or what points to a GGUF file; closes
   * everything when that fails.
   */
  static Shards open(Path dir, Path weights) {
    List<TensorFile> opened = new ArrayList<>();
    try {
      return weights.endsWith(HfCheckpoint.INDEX)
          ? sharded(dir, weights, opened)
          : single(weights, opened);
    } catch (RuntimeException | Error failure) {
      opened.forEach(TensorFile::close);
      throw failure;
    }
  }

  private static Shards single(Path weights, List<TensorFile> opened) {
    TensorFile file =
        GgufWeights.isGguf(weights)
            ? GgufWeights.open(weights)
            : weights.endsWith(GgufWeights.POINTER)
                ? GgufWeights.pointedToBy(weights)
                : SafeTensors.open(weights);
    opened.add(file);
    Map<String, TensorFile> fileByTensor = new LinkedHashMap<>();
    file.entries().keySet().forEach(name -> fileByTensor.put(name, file));
    return new Shards(fileByTensor, opened);
  }

  private static Shards sharded(Path dir, Path index, List<TensorFile> opened) {
    Map<String, Set<String>> tensorsByShard = tensorsByShard(index);
    Map<String, TensorFile> fileByTensor = new LinkedHashMap<>();
    refuseMissing(dir, index, tensorsByShard);
    tensorsByShard.forEach((shard, listed) -> {
      SafeTensors file = SafeTensors.open(dir.resolve(shard));
      opened.add(file);
      for (String name : listed) {
        if (!file.entries().containsKey(name)) {
          throw new FormatException(
              file.file(),
              name,
              "the index lists this tensor here, but the shard has none of that name." + ADVICE);
        }
      }
      for (String name : file.entries().keySet()) {
        if (!listed.contains(name)) {
          throw new FormatException(
              file.file(),
              name,
              "the shard holds this tensor, but "
                  + index.getFileName()
                  + " does not list it here."
                  + ADVICE);
        }
        fileByTensor.put(name, file);
      }
    });
    return new Shards(fileByTensor, opened);
  }

  private static Map<String, Set<String>> tensorsByShard(Path index) {
    JsonConfig map =
        JsonConfig.read(index)
            .object("weight_map")
            .orElseThrow(
                () -> new FormatException(index, "weight_map", "the key is missing." + ADVICE));
    Map<String, Set<String>> tensorsByShard = new LinkedHashMap<>();
    for (String name : map.keys()) {
      String shard = map.requiredString(name);
      // A path would let an index read outside the model folder.
      if (shard.isBlank() || shard.contains("/") || shard.contains("\\") || shard.contains("\0")) {
        throw map.wrong(name, "the plain name of a shard file");
      }
      tensorsByShard.computeIfAbsent(shard, key -> new TreeSet<>()).add(name);
    }
    return tensorsByShard;
  }

  private static void refuseMissing(Path dir, Path index, Map<String, Set<String>> tensorsByShard) {
    List<String> missing =
        tensorsByShard.keySet().stream()
            .filter(shard -> !Files.exists(dir.resolve(shard)))
            .toList();
    if (!missing.isEmpty()) {
      throw new FormatException(
          index,
          "%d of %d shards are missing: %s. Download them into the same folder."
              .formatted(missing.size(), tensorsByShard.size(), String.join(", ", missing)));
    }
  }
}
