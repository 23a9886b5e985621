package dev.lorikeet.tape;

import dev.lorikeet.kernel.Activation;
import dev.lorikeet.kernel.Columns;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.kernel.LayerKernels;
import dev.lorikeet.tape.Var.Slot;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * The operations of the tape that Llama's family does without; {@link Ops} says what they share.
 */
public final class LayerOps {
  private LayerOps() {}

  /**
   * Layer norm of every run of {@code weight.elements()} columns, with a bias perhaps; computed
   * again on the way back, not held.
   */
  public static Var layerNorm(
      Tape tape, Var x, Parameter weight, Optional<Parameter> bias, double eps) {
    LayerKernels kernels = tape.kernels().layers();
    Tensor out = x.value().emptyLike();
    boolean trains = weight.isTrainable() || bias.map(Parameter::isTrainable).orElse(false);
    boolean needsGradient = x.needsGradient() || trains;
    Var result = tape.result(out, needsGradient);
    try (Tensor moments = moments(tape, x.value(), weight);
        Tensor factors = weight.value().asFloats()) {
      kernels.layerNorm(x.value(), factors, eps, out, moments);
      addBias(tape, bias, out);
      if (needsGradient) {
        tape.record(
            result,
            () -> {
              Tensor dy = result.gradient();
              if (weight.isTrainable()) {
                kernels.layerNormWeightGradient(
                    dy, x.recalled(), moments, weight.gradientToAddTo());
              }
              bias.filter(Parameter::isTrainable).ifPresent(b -> addBiasGradient(tape, dy, b));
              if (x.needsGradient()) {
                Slot slot = x.gradientSlot();
                kernels.layerNormBackward(
                    dy, x.recalled(), factors, moments, slot.target(), slot.into());
              }
            },
            List.of(x),
            moments,
            factors);
      }
    }
    tape.derive(result, List.of(x), () -> normed(tape, x.recalled(), weight, bias, eps));
    return result;
  }

  private static Tensor moments(Tape tape, Tensor x, Parameter weight) {
    return tape.device().floats(x.elements() / weight.value().elements(), 2);
  }

  private static void addBias(Tape tape, Optional<Parameter> bias, Tensor out) {
    if (bias.isPresent()) {
      try (Tensor row = bias.get().value().asFloats();
          Tensor runs = runs(out, row)) {
        tape.kernels().addRow(row, runs);
      }
    }
  }

  private static void addBiasGradient(Tape tape, Tensor dy, Parameter bias) {
    try (Tensor runs = runs(dy, bias.value())) {
      tape.kernels().addSumOfRows(runs, bias.gradientToAddTo());
    }
  }

  /** The same values, a run a row. */
  private static Tensor runs(Tensor x, Tensor run) {
    return x.reshape(x.elements() / run.elements(), run.elements());
  }

  private static Tensor normed(
      Tape tape, Tensor x, Parameter weight, Optional<Parameter> bias, double eps) {
    Tensor out = x.emptyLike();
    try (Tensor moments = moments(tape, x, weight);
        Tensor factors = weight.value().asFloats()) {
      tape.kernels().layers().layerNorm(x, factors, eps, out, moments);
      addBias(tape, bias, out);
      return out;
    } catch (RuntimeException failure) {
      out.close();
      throw failure;
    }
  }

  /** f(x); computed again on the way back, not held. */
  public static Var activate(Tape tape, Activation f, Var x) {
    LayerKernels kernels = tape.kernels().layers();
    Tensor out = x.value().emptyLike();
    Var result = tape.result(out, x.needsGradient());
    kernels.activate(f, x.value(), out);
    if (x.needsGradient()) {
      tape.record(
          result,
          () -> {
            try (Tensor dx = x.recalled().emptyLike()) {
              kernels.activateBackward(f, result.gradient(), x.recalled(), dx);
              x.addGradient(dx.retain());
            }
          },
          List.of(x));
    }
    tape.derive(
        result,
        List.of(x),
        () -> {
          Tensor again = x.recalled().emptyLike();
          kernels.activate(f, x.recalled(), again);
          return again;
        });
    return result;
  }

  /** f(gate) · up; computed again on the way back, not held. */
  public static Var gated(Tape tape, Activation f, Var gate, Var up) {
    if (f == Activation.SILU) {
      return Ops.swiglu(tape, gate, up);
    }
    LayerKernels kernels = tape.kernels().layers();
    Tensor gateValue = gate.value();
    Tensor upValue = up.value();
    Tensor out = gateValue.emptyLike();
    boolean needsGradient = gate.needsGradient() || up.needsGradient();
    Var result = tape.result(out, needsGradient);
    kernels.gated(f, gateValue, upValue, out);
    if (needsGradient) {
      tape.record(
          result,
          () -> {
            try (Tensor dGate = gateValue.emptyLike();
                Tensor dUp = upValue.emptyLike()) {
              kernels.gatedBackward(f, result.gradient(), gateValue, upValue, dGate, dUp);
              Ops.giveGradient(gate, dGate);
              Ops.giveGradient(up, dUp);
            }
          },
          gateValue,
          upValue);
    }
    tape.derive(
        result,
        List.of(gate, up),
        () -> {
          Tensor product = gate.recalled().emptyLike();
          kernels.gated(f, gate.recalled(), up.recalled(), product);
          return product;
        });
    return result;
  }

  /** Some columns of {@code x}: what a fused projection gives to one of its users. */
  public static Var columns(Tape tape, Var x, Columns columns) {
    LayerKernels kernels = tape.kernels().layers();
    Tensor out = tape.device().floats(x.value().size(0), columns.size());
    Var result = tape.result(out, x.needsGradient());
    kernels.gatherColumns(x.value(), columns, out);
    if (x.needsGradient()) {
      tape.record(
          result,
          () -> {
            Slot slot = x.gradientSlot();
            if (slot.into() == Into.REPLACE) {
              slot.target().zero();
            }
            kernels.scatterColumns(result.gradient(), columns, slot.target(), Into.ADD);
          });
    }
    return result;
  }

  /** The columns of several values side by side: value i where {@code places} says. */
  public static Var join(Tape tape, List<Var> values, List<Columns> places) {
    LayerKernels kernels = tape.kernels().layers();
    long rows = values.getFirst().value().size(0);
    Tensor out = tape.device().floats(rows, places.getFirst().total());
    boolean needsGradient = values.stream().anyMatch(Var::needsGradient);
    Var result = tape.result(out, needsGradient);
    for (int i = 0; i < values.size(); i++) {
      kernels.scatterColumns(values.get(i).value(), places.get(i), out, Into.REPLACE);
    }
    if (needsGradient) {
      tape.record(
          result,
          () -> {
            for (int i = 0; i < values.size(); i++) {
              giveColumns(tape, result.gradient(), places.get(i), values.get(i));
            }
          });
    }
    return result;
  }

  private static void giveColumns(Tape tape, Tensor gradient, Columns place, Var value) {
    if (value.needsGradient()) {
      try (Tensor share = tape.device().floats(gradient.size(0), place.size())) {
        tape.kernels().layers().gatherColumns(gradient, place, share);
        value.addGradient(share.retain());
      }
    }
  }

  /** cap · tanh(x / cap), in place; the result is read again on the way back. */
  public static Var softCap(Tape tape, Var x, float cap) {
    LayerKernels kernels = tape.kernels().layers();
    Tensor value = x.value();
    kernels.softCap(value, cap);
    if (x.needsGradient()) {
      x.keepValue();
      tape.record(x, () -> kernels.softCapBackward(value, cap, x.gradientToChange()), value);
    }
    return x;
  }

  /** x · factor, in place; nobody may read x on the way back. */
  public static Var scale(Tape tape, Var x, float factor) {
    if (x.isValueKept()) {
      throw new IllegalStateException("a value that is read again cannot be scaled in place");
    }
    tape.kernels().scale(x.value(), factor);
    if (x.needsGradient()) {
      tape.record(x, () -> tape.kernels().scale(x.gradientToChange(), factor));
    }
    return x;
  }
}
