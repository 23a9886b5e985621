package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Hugging Face's name and order of every tensor of a GGUF file: the way back from what llama.cpp's
 * convert_hf_to_gguf.py does. It renames (gguf-py, tensor_mapping.py), and reorders rows: those of
 * llama's queries and keys, because llama.cpp turns neighbouring values in place of halves, and
 * those of the fused projections of Falcon and GPT-NeoX, which become all queries, all keys, all
 * values. It adds 1 to Gemma's norms.
 */
final class GgufNames {
  private static final String BLOCK = "blk.";

  /** Tensors that {@link GgufConfig} turns into numbers of config.json. */
  private static final List<String> ROPE_FACTORS =
      List.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

  private final Gguf file;
  private final GgufArchitecture architecture;
  private final int heads;
  private final int keyHeads;

  /**
   * Where a tensor of the model comes from.
   *
   * @param tensor of the file
   * @param shape of the model's tensor, outermost first
   * @param rows the stored row of each row, if they lie in another order or are a part
   * @param offset what the file's numbers are too large by
   */
  record Source(GgufTensor tensor, List<Long> shape, Optional<int[]> rows, float offset) {}

  private GgufNames(Gguf file) {
    this.file = file;
    architecture = GgufArchitecture.of(file);
    heads = architecture.heads();
    keyHeads = architecture.keyHeads();
  }

  /**
   * The model's tensors by Hugging Face's names; one that the table does not know keeps its own, so
   * that it is reported as surplus.
   *
   * @throws FormatException for an architecture that is not known, or heads that do not divide rows
   */
  static Map<String, Source> of(Gguf file) {
    GgufNames names = new GgufNames(file);
    Map<String, Source> sources = new LinkedHashMap<>();
    for (GgufTensor tensor : file.tensors().values()) {
      if (!ROPE_FACTORS.contains(tensor.name())) {
        names.add(tensor, sources);
      }
    }
    return sources;
  }

  private void add(GgufTensor tensor, Map<String, Source> sources) {
    String name = tensor.name();
    int dot = name.lastIndexOf('.');
    String stem = dot < 0 ? name : name.substring(0, dot);
    String kind = dot < 0 ? "" : name.substring(dot);
    String layer = "";
    if (stem.startsWith(BLOCK) && stem.indexOf('.', BLOCK.length()) > 0) {
      int end = stem.indexOf('.', BLOCK.length());
      layer = stem.substring(BLOCK.length(), end);
      stem = BLOCK + stem.substring(end + 1);
    }
    Optional<String> found = architecture.name(stem);
    if (found.isEmpty()) {
      sources.put(name, plain(tensor));
      return;
    }
    String named = found.get().replace("{}", layer);
    if (stem.equals("blk.attn_qkv") && architecture.splitsFused()) {
      addParts(tensor, named, kind, sources);
    } else if (named.endsWith(".norms")) {
      addHeads(tensor, named, kind, sources);
    } else {
      sources.put(named + kind, source(tensor, stem));
    }
  }

  private static Source plain(GgufTensor tensor) {
    return new Source(tensor, tensor.shape(), Optional.empty(), 0);
  }

  private Source source(GgufTensor tensor, String stem) {
    Optional<int[]> rows =
        switch (stem) {
          case "blk.attn_q" ->
              architecture.permutesRotary() ? Optional.of(halves(tensor, heads)) : Optional.empty();
          case "blk.attn_k" ->
              architecture.permutesRotary()
                  ? Optional.of(halves(tensor, keyHeads))
                  : Optional.empty();
          case "blk.attn_qkv" ->
              architecture.groupsFused() ? Optional.of(groups(tensor)) : Optional.empty();
          default -> Optional.empty();
        };
    boolean shifted =
        architecture.shiftsNorms() && stem.endsWith("_norm") && tensor.shape().size() == 1;
    return new Source(tensor, tensor.shape(), rows, shifted ? 1f : 0f);
  }

  /** Row 2i + j of a head in the file is row j · half + i of the model (j = 0, 1). */
  private int[] halves(GgufTensor tensor, int count) {
    int rows = rows(tensor);
    requireDivides(tensor, rows, 2L * count);
    int head = rows / count;
    int half = head / 2;
    return IntStream.range(0, rows)
        .map(row -> row / head * head + row % head % half * 2 + row % head / half)
        .toArray();
  }

  /** The model has the queries, the key and the value of each key head one behind the other. */
  private int[] groups(GgufTensor tensor) {
    int rows = rows(tensor);
    requireDivides(tensor, rows, heads + 2L * keyHeads);
    int head = rows / (heads + 2 * keyHeads);
    int queries = heads / keyHeads;
    int[] stored = new int[rows];
    for (int row = 0; row < rows; row++) {
      int group = row / head / (queries + 2);
      int place = row / head % (queries + 2);
      int from =
          place < queries
              ? group * queries + place
              : place == queries ? heads + group : heads + keyHeads + group;
      stored[row] = from * head + row % head;
    }
    return stored;
  }

  /** One fused projection that the model has as three. */
  private void addParts(GgufTensor tensor, String named, String kind, Map<String, Source> sources) {
    int rows = rows(tensor);
    requireDivides(tensor, rows, heads + 2L * keyHeads);
    int head = rows / (heads + 2 * keyHeads);
    int from = 0;
    for (String part : List.of("q_proj", "k_proj", "v_proj")) {
      int count = head * (part.equals("q_proj") ? heads : keyHeads);
      List<Long> shape = new ArrayList<>(tensor.shape());
      shape.set(0, (long) count);
      int[] stored = IntStream.range(from, from + count).toArray();
      sources.put(named + "." + part + kind, new Source(tensor, shape, Optional.of(stored), 0));
      from += count;
    }
  }

  /** One tensor [heads, head size] that the model has as a norm for every head. */
  private static void addHeads(
      GgufTensor tensor, String named, String kind, Map<String, Source> sources) {
    int count = tensor.shape().size() == 2 ? rows(tensor) : 0;
    if (count == 0 || tensor.type().isBlocked()) {
      sources.put(tensor.name(), plain(tensor));
      return;
    }
    for (int head = 0; head < count; head++) {
      List<Long> shape = List.of(tensor.rowElements());
      int first = head;
      int size = Math.toIntExact(tensor.rowElements());
      int[] stored = IntStream.range(0, size).map(i -> first * size + i).toArray();
      sources.put(named + "." + head + kind, new Source(tensor, shape, Optional.of(stored), 0));
    }
  }

  private static int rows(GgufTensor tensor) {
    return tensor.shape().isEmpty() ? 0 : Math.toIntExact(tensor.shape().getFirst());
  }

  private void requireDivides(GgufTensor tensor, int rows, long parts) {
    if (rows == 0 || rows % parts != 0) {
      throw new FormatException(
          file.file(),
          tensor.name(),
          "has %d rows, which %d heads and %d key heads do not divide; the file is damaged."
              .formatted(rows, heads, keyHeads));
    }
  }
}
