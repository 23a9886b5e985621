package dev.lorikeet.job;

import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The newest values of an adapter that a finite loss was computed with. An update is known to be
 * good only when the next loss is finite, so two generations are held. Owns the copies.
 */
final class LastGood implements AutoCloseable {
  private final List<Parameter> parameters;
  private List<Tensor> good;
  private List<Tensor> unproven;
  private long goodUpdates;

  /**
   * Starts with the values of now; no parameters give a copy of nothing.
   *
   * @param updates updates that the values have seen
   */
  LastGood(List<Parameter> parameters, long updates) {
    this.parameters = List.copyOf(parameters);
    goodUpdates = updates;
    good = copies();
    unproven = copies();
  }

  private List<Tensor> copies() {
    List<Tensor> copies = new ArrayList<>();
    for (Parameter parameter : parameters) {
      copies.add(parameter.value().emptyLike().copyFrom(parameter.value()));
    }
    return copies;
  }

  /** Copies the values that the next step computes its loss with. */
  void beforeStep() {
    for (int i = 0; i < parameters.size(); i++) {
      unproven.get(i).copyFrom(parameters.get(i).value());
    }
  }

  /**
   * Update {@code update}, counted from 1, found its loss finite, so the values from before it are
   * good.
   */
  void afterStep(long update) {
    List<Tensor> proven = unproven;
    unproven = good;
    good = proven;
    goodUpdates = update - 1;
  }

  /** Gives the parameters their good values again; the number of updates these have seen. */
  long restore() {
    for (int i = 0; i < parameters.size(); i++) {
      parameters.get(i).value().copyFrom(good.get(i));
    }
    return goodUpdates;
  }

  @Override
  public void close() {
    good.forEach(Tensor::close);
    unproven.forEach(Tensor::close);
  }
}
