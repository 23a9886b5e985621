package dev.lorikeet.config;

import dev.lorikeet.config.YamlNode.Field;
import dev.lorikeet.config.YamlNode.Fields;
import dev.lorikeet.config.YamlNode.Place;
import dev.lorikeet.error.ConfigException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads recipes: YAML plus {@code key=value} overrides to a validated {@link RunConfig}.
 *
 * <p>Every problem of the file and of the overrides is reported in one {@link ConfigException},
 * with its line. An override's value is YAML too: {@code adapter.target_modules=[q_proj, v_proj]}.
 * Of two overrides of one key the later one counts.
 */
public final class Recipe {
  private final String sourceName;
  private final List<Problem> problems = new ArrayList<>();

  private Recipe(String sourceName) {
    this.sourceName = sourceName;
  }

  /**
   * Reads the recipe in {@code file}.
   *
   * @throws ConfigException if the file cannot be read, or with every problem of its content
   */
  public static RunConfig load(Path file, List<String> overrides) {
    if (Files.isDirectory(file)) {
      throw new ConfigException("recipe " + file + " is a folder; name the YAML file in it");
    }
    String yaml;
    try {
      yaml = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new ConfigException(
          "recipe " + file + " does not exist (looked in " + Path.of("").toAbsolutePath() + ")");
    } catch (CharacterCodingException e) {
      throw new ConfigException("recipe " + file + " is not UTF-8 text");
    } catch (IOException e) {
      throw new ConfigException("recipe " + file + " cannot be read: " + e);
    }
    return parse(yaml, file.toString(), overrides);
  }

  /**
   * Reads the recipe in {@code yaml}.
   *
   * @param sourceName what the recipe is called in problems, usually a file name
   * @throws ConfigException with every problem
   */
  public static RunConfig parse(String yaml, String sourceName, List<String> overrides) {
    Recipe recipe = new Recipe(sourceName);
    Fields root = recipe.root(yaml);
    recipe.stopOnProblems();
    for (String override : overrides) {
      recipe.apply(override, root);
    }
    Optional<RunConfig> config = new RecipeBinder(recipe.problems).bind(root);
    recipe.stopOnProblems();
    return config.orElseThrow(() -> new IllegalStateException("no record and no problem"));
  }

  private Fields root(String yaml) {
    Optional<YamlNode> node = YamlReader.read(yaml, Place::ofLine, problems::add);
    Fields empty = new Fields(new LinkedHashMap<>(), Problem.NOWHERE);
    return switch (node.orElse(empty)) {
      case Fields fields -> fields;
      case YamlNode.Scalar scalar when scalar.value() == null -> empty;
      case YamlNode other -> {
        problems.add(
            new Problem(
                other.place(),
                "a recipe is made of keys such as \"model:\" and \"data:\", found "
                    + other.words()));
        yield empty;
      }
    };
  }

  private void apply(String override, Fields root) {
    Place place = new Place(Integer.MAX_VALUE, "--set " + override);
    int equals = override.indexOf('=');
    if (equals <= 0) {
      problems.add(new Problem(place, "an override is written key=value, as in train.epochs=2"));
      return;
    }
    String path = override.substring(0, equals).strip();
    int problemsBefore = problems.size();
    YamlNode value =
        YamlReader.read(override.substring(equals + 1), _ -> place, problems::add)
            .orElseGet(() -> new YamlNode.Scalar(null, "null", place));
    if (problems.size() > problemsBefore) {
      return;
    }
    int dot = path.indexOf('.');
    if (RecipeKeys.isSection(path)) {
      problems.add(
          new Problem(place, path + " is a section; set one of its keys, as in train.epochs=2"));
      return;
    }
    Map<String, Field> target =
        dot < 0 ? root.fields() : section(root, path.substring(0, dot), place);
    target.put(path.substring(dot + 1), new Field(value, place));
  }

  /** The keys of a section; one that is missing or not a section is replaced. */
  private Map<String, Field> section(Fields root, String name, Place place) {
    Field field = root.fields().get(name);
    if (field != null && field.node() instanceof Fields fields) {
      return fields.fields();
    }
    if (field != null && !(field.node() instanceof YamlNode.Scalar(Object v, _, _) && v == null)) {
      problems.add(
          new Problem(
              field.place(), name + " must be a section with keys, found " + field.node().words()));
    }
    Fields fresh = new Fields(new LinkedHashMap<>(), place);
    root.fields().put(name, new Field(fresh, field == null ? place : field.place()));
    return fresh.fields();
  }

  private void stopOnProblems() {
    if (!problems.isEmpty()) {
      problems.sort(Comparator.comparingInt(p -> p.place().line()));
      throw new ConfigException(sourceName, problems.stream().map(Problem::sentence).toList());
    }
  }
}
