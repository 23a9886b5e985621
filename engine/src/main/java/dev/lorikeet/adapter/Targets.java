package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.format.PeftNames;
import dev.lorikeet.format.TargetModules;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Which maps an adapter goes on, by PEFT's rules.
 *
 * @param modules what is adapted
 * @param exclude what is not, although {@code modules} matches it
 * @param layers indices of the only layers with adapters; empty means all. As in PEFT it does not
 *     concern a module that is named in full
 * @param layersPattern names of the list that holds the layers; empty means any
 * @param spelling how files say it
 */
public record Targets(
    TargetModules modules,
    Optional<TargetModules> exclude,
    List<Integer> layers,
    List<String> layersPattern,
    Spelling spelling) {
  private static final String HEAD = "lm_head";

  /** Parts of a model by the names that its modules have in the checkpoints of many families. */
  private static final Map<String, String> PRESETS =
      Map.of(
          "attention", ".*\\.(self_attn|self_attention|attention|attn)\\.[^.]+",
          "mlp", ".*\\.(mlp|feed_forward)\\.[^.]+",
          "qv", ".*\\.(q_proj|v_proj)");

  /** How an adapter's files name its targets. */
  public enum Spelling {
    /** In PEFT's words. */
    AS_GIVEN,
    /** By the modules' names, where PEFT has no word or could mean other modules by it. */
    BY_NAME
  }

  /** Copies the lists. */
  public Targets {
    layers = List.copyOf(layers);
    layersPattern = List.copyOf(layersPattern);
  }

  /** Targets in all layers, with no exception. */
  public Targets(TargetModules modules) {
    this(modules, Optional.empty(), List.of(), List.of(), Spelling.AS_GIVEN);
  }

  /** Every linear map but the output head. */
  public static Targets allLinear() {
    return new Targets(new TargetModules.AllLinear());
  }

  /** The recipe's list: {@code all-linear} alone, or names and name endings. */
  public static Targets of(List<String> names) {
    return names.equals(List.of(TargetModules.ALL_LINEAR))
        ? allLinear()
        : new Targets(new TargetModules.Names(names));
  }

  /** The recipe's single text: {@code all-linear}, a preset, or an expression for whole names. */
  public static Targets of(String text) {
    if (text.equals(TargetModules.ALL_LINEAR)) {
      return allLinear();
    }
    // PEFT tries an expression on norms and activations too, which it cannot adapt.
    return new Targets(
        new TargetModules.Expression(PRESETS.getOrDefault(text, text)),
        Optional.empty(),
        List.of(),
        List.of(),
        Spelling.BY_NAME);
  }

  /** These targets but for {@code modules}. */
  public Targets without(TargetModules modulesWithout) {
    return new Targets(modules, Optional.of(modulesWithout), layers, layersPattern, spelling);
  }

  /** These targets in the layers of these indices; PEFT wants names beside them. */
  public Targets inLayers(List<Integer> indices) {
    boolean names = modules instanceof TargetModules.Names;
    return new Targets(
        modules, exclude, indices, layersPattern, names ? spelling : Spelling.BY_NAME);
  }

  /** Whether the linear map {@code name} is adapted. */
  public boolean matches(String name) {
    return found(name) && exclude.stream().noneMatch(excluded -> means(excluded, name));
  }

  /** Whether the embedding {@code name} is adapted: it has to be named, or match an expression. */
  public boolean matchesEmbedding(String name) {
    return !(modules instanceof TargetModules.AllLinear) && matches(name);
  }

  private boolean found(String name) {
    boolean inFull = modules instanceof TargetModules.Names(var names) && names.contains(name);
    return means(modules, name) && (inFull || inLayers(name));
  }

  private boolean inLayers(String name) {
    if (layers.isEmpty()) {
      return true;
    }
    OptionalInt layer = PeftNames.layer(name, layersPattern);
    return layer.isPresent() && layers.contains(layer.getAsInt());
  }

  private static boolean means(TargetModules modules, String name) {
    return switch (modules) {
      case TargetModules.AllLinear _ -> !name.equals(HEAD);
      case TargetModules.Names(var names) ->
          names.stream().anyMatch(target -> PeftNames.endsWith(name, target));
      case TargetModules.Expression(var regex) -> Pattern.matches(regex, name);
    };
  }

  /**
   * Refuses targets, exceptions and layers that match none of {@code names}, and lists what there
   * is.
   *
   * @param names all linear maps and embeddings of the model
   */
  public void requireMatch(List<String> names) {
    requireMatch("adapter.target_modules", modules, names);
    exclude.ifPresent(excluded -> requireMatch("adapter.exclude_modules", excluded, names));
    TreeSet<Integer> there = new TreeSet<>();
    names.forEach(name -> PeftNames.layer(name, layersPattern).ifPresent(there::add));
    List<Integer> missing = layers.stream().filter(Predicate.not(there::contains)).toList();
    if (!missing.isEmpty()) {
      throw new ConfigException(
          "adapter.layers_to_transform %s: the model has no such layers; there are %s."
              .formatted(missing, there));
    }
    if (names.stream().noneMatch(this::matches)) {
      throw new ConfigException(
          "adapter.target_modules match modules, but adapter.exclude_modules and adapter.layers_to_transform leave none of them; there are %s."
              .formatted(endings(names)));
    }
  }

  private static void requireMatch(String key, TargetModules modules, List<String> names) {
    List<String> unmatched =
        switch (modules) {
          case TargetModules.Names(var targets) ->
              targets.stream()
                  .filter(t -> names.stream().noneMatch(n -> PeftNames.endsWith(n, t)))
                  .toList();
          case TargetModules.AllLinear all ->
              names.stream().anyMatch(n -> means(all, n)) ? List.of() : List.of(all.toString());
          case TargetModules.Expression(var regex) ->
              names.stream().anyMatch(n -> means(modules, n)) ? List.of() : List.of(regex);
        };
    if (!unmatched.isEmpty()) {
      boolean text = modules instanceof TargetModules.Expression;
      throw new ConfigException(
          "%s %s: no linear module or embedding of the model has %s; there are %s."
              .formatted(
                  key,
                  unmatched,
                  text
                      ? "a name that this expression matches as a whole (write names as a list)"
                      : "this name or ending",
                  endings(names)));
    }
  }

  /**
   * The targets as an adapter's files say them.
   *
   * @param adapted names of the adapted modules
   * @param names all linear maps and embeddings of the model
   */
  Targets written(List<String> adapted, List<String> names) {
    if (spelling == Spelling.AS_GIVEN) {
      return this;
    }
    TreeSet<String> endings = endings(adapted);
    Targets brief = new Targets(new TargetModules.Names(List.copyOf(endings)));
    boolean same = names.stream().filter(brief::matches).toList().equals(adapted);
    return same ? brief : new Targets(new TargetModules.Names(adapted));
  }

  /** The last parts of {@code names}. */
  static TreeSet<String> endings(List<String> names) {
    TreeSet<String> endings = new TreeSet<>();
    names.forEach(name -> endings.add(name.substring(name.lastIndexOf('.') + 1)));
    return endings;
  }
}
