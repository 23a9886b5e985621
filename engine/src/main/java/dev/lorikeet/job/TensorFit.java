package dev.lorikeet.job;

import dev.lorikeet.error.FormatException;
import dev.lorikeet.format.BitsAndBytes;
import dev.lorikeet.format.HfCheckpoint;
import dev.lorikeet.model.Architecture.Blueprint;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.ShapeWeights;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * How the tensors of a checkpoint's files fit the model that its config describes. Nothing but
 * names and shapes is read.
 *
 * @param expected tensors of the model
 * @param unfit those that the files lack or hold in another shape, a phrase each
 * @param surplus names of tensors that the model has no place for
 */
record TensorFit(int expected, List<String> unfit, List<String> surplus) {
  private static final int MOST_NAMED = 10;

  /** What some families store beside their weights: masks, frequencies, positions. */
  private static final Pattern BUFFER =
      Pattern.compile("(.*[.])?(attn|attention)[.](masked_)?bias|(.*[.])?(inv_freq|position_ids)");

  TensorFit {
    unfit = List.copyOf(unfit);
    surplus = List.copyOf(surplus);
  }

  /**
   * Compares names and shapes.
   *
   * @param files as {@code blueprint} sees them
   */
  static TensorFit of(HfCheckpoint files, Blueprint blueprint) {
    try (Device device = Device.shapeOnly();
        CausalLm model =
            blueprint.build(
                new ShapeWeights(device),
                device,
                blueprint.contextLength(),
                Linear.Wrapper.none())) {
      List<String> unfit = new ArrayList<>();
      List<String> used = new ArrayList<>(List.of(model.head().name() + ".weight"));
      for (Parameter parameter : model.parameters()) {
        used.add(parameter.name());
        compare(files, parameter, unfit);
      }
      TreeSet<String> surplus = new TreeSet<>(files.othersThan(used));
      surplus.removeIf(name -> BUFFER.matcher(name).matches());
      return new TensorFit(model.parameters().size(), unfit, List.copyOf(surplus));
    }
  }

  private static void compare(HfCheckpoint files, Parameter parameter, List<String> unfit) {
    String name = parameter.name();
    List<Long> shape = Arrays.stream(parameter.value().shape()).boxed().toList();
    if (!files.contains(name)) {
      unfit.add(name + " is missing");
    } else if (!BitsAndBytes.isQuantised(files, name) && !files.entry(name).shape().equals(shape)) {
      unfit.add(name + " is " + files.entry(name).shape() + ", not " + shape);
    }
  }

  /**
   * Refuses a model that lacks several of its weights; a single one is refused with more detail
   * where it is read.
   */
  void requireComplete(HfCheckpoint files) {
    if (unfit.size() > 1) {
      throw new FormatException(
          files.directory(),
          "the weights do not fit config.json in %d of %d tensors: %s. Weights and config come from different revisions or the download is incomplete; download both again from one revision."
              .formatted(unfit.size(), expected, named(unfit)));
    }
  }

  /** What to tell about tensors without a place, if there are any. */
  Optional<String> surplusNotice() {
    return surplus.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "the files hold %s that the model of config.json has no place for: %s. Left out; check that config.json belongs to these files."
                .formatted(
                    surplus.size() == 1 ? "a tensor" : surplus.size() + " tensors",
                    named(surplus)));
  }

  /** The first of {@code all}, and how many more there are. */
  static String named(List<String> all) {
    int shown = Math.min(all.size(), MOST_NAMED);
    String names = String.join(", ", all.subList(0, shown));
    return shown == all.size() ? names : names + ", and " + (all.size() - shown) + " more";
  }
}
