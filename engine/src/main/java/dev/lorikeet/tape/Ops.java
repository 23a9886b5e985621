package dev.lorikeet.tape;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.DropoutMask;
import dev.lorikeet.kernel.Kernels;
import dev.lorikeet.kernel.Kernels.AttentionTensors;
import dev.lorikeet.kernel.Kernels.Into;
import dev.lorikeet.kernel.Kernels.Rotation;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.tape.Var.Slot;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * The operations of the tape. T is the number of tokens of a packed batch; all values are float32
 * [T, columns], parameters perhaps of two bytes an element. Each method computes forward and
 * records its backward. A result is given to the tape before it is computed, so that it is freed
 * whatever fails.
 */
public final class Ops {
  private Ops() {}

  /** Rows of {@code table} [V,H] by token id; ids int32 [T] stays with the caller. */
  public static Var embedding(Tape tape, Parameter table, Tensor ids) {
    Tensor out = tape.device().floats(ids.elements(), table.value().size(1));
    Var result = tape.result(out, table.isTrainable());
    tape.kernels().gatherRows(table.value(), ids, out);
    if (table.isTrainable()) {
      tape.record(
          result,
          () -> tape.kernels().scatterAddRows(result.gradient(), ids, table.gradientToAddTo()),
          ids);
    }
    return result;
  }

  /** The rows of {@code x} named by {@code rows} (int32 [N], each at most once). */
  public static Var selectRows(Tape tape, Var x, Tensor rows) {
    Tensor out = tape.device().floats(rows.elements(), x.value().size(1));
    Var result = tape.result(out, x.needsGradient());
    tape.kernels().gatherRows(x.value(), rows, out);
    if (x.needsGradient()) {
      tape.record(
          result,
          () -> {
            Slot slot = x.gradientSlot();
            if (slot.into() == Into.REPLACE) {
              slot.target().zero();
            }
            tape.kernels().scatterAddRows(result.gradient(), rows, slot.target());
          },
          rows);
    }
    return result;
  }

  /** y = x·Wᵀ; W [out, in]. dx = dy·W; dW = dyᵀ·x, only where they are wanted. */
  public static Var linear(Tape tape, Var x, Parameter weight) {
    Tensor w = weight.value();
    Device device = tape.device();
    Tensor out = device.floats(x.value().size(0), w.size(0));
    Var result = tape.result(out, x.needsGradient() || weight.isTrainable());
    device.gemm(Transpose.NO, Transpose.YES, 1f, x.value(), w, 0f, out);
    if (weight.isTrainable()) {
      tape.record(
          result,
          () -> {
            inputGradient(device, x, result.gradient(), w);
            device.gemm(
                Transpose.YES,
                Transpose.NO,
                1f,
                result.gradient(),
                x.recalled(),
                1f,
                weight.gradientToAddTo());
          },
          List.of(x));
    } else if (x.needsGradient()) {
      tape.record(result, () -> inputGradient(device, x, result.gradient(), w));
    }
    return result;
  }

  private static void inputGradient(Device device, Var x, Tensor dy, Tensor w) {
    if (x.needsGradient()) {
      Slot slot = x.gradientSlot();
      device.gemm(Transpose.NO, Transpose.NO, 1f, dy, w, slot.beta(), slot.target());
    }
  }

  /** Adds {@code bias} [N] to every row of {@code x}, in place. */
  public static Var bias(Tape tape, Var x, Parameter bias) {
    try (Tensor row = bias.value().asFloats()) {
      tape.kernels().addRow(row, x.value());
    }
    if (bias.isTrainable()) {
      tape.record(x, () -> tape.kernels().addSumOfRows(x.gradient(), bias.gradientToAddTo()));
    }
    return x;
  }

  /** Root mean square norm with {@code weight} [H]; computed again on the way back, not held. */
  public static Var rmsNorm(Tape tape, Var x, Parameter weight, double eps) {
    return rmsNorm(tape, x, weight, Optional.empty(), eps);
  }

  /**
   * The same with {@code weight} + {@code offset} as factors, of every run of as many columns.
   *
   * @param offset [H], stays with the caller
   */
  public static Var rmsNorm(
      Tape tape, Var x, Parameter weight, Optional<Tensor> offset, double eps) {
    Kernels kernels = tape.kernels();
    Tensor input = x.value();
    Tensor out = input.emptyLike();
    boolean needsGradient = x.needsGradient() || weight.isTrainable();
    Var result = tape.result(out, needsGradient);
    try (Tensor factors = factors(tape, weight, offset);
        Tensor rstd = tape.device().floats(input.elements() / factors.elements())) {
      kernels.rmsNorm(input, factors, eps, out, rstd);
      if (needsGradient) {
        tape.record(
            result,
            () -> {
              Tensor dy = result.gradient();
              if (weight.isTrainable()) {
                kernels.rmsNormWeightGradient(dy, x.recalled(), rstd, weight.gradientToAddTo());
              }
              if (x.needsGradient()) {
                Slot slot = x.gradientSlot();
                kernels.rmsNormBackward(
                    dy, x.recalled(), factors, rstd, slot.target(), slot.into());
              }
            },
            List.of(x),
            rstd,
            factors);
      }
    }
    tape.derive(result, List.of(x), () -> normed(tape, x.recalled(), weight, offset, eps));
    return result;
  }

  private static Tensor factors(Tape tape, Parameter weight, Optional<Tensor> offset) {
    Tensor own = weight.value().asFloats();
    if (offset.isEmpty()) {
      return own;
    }
    try (own) {
      Tensor sum = own.emptyLike().copyFrom(own);
      tape.kernels().add(offset.get(), sum);
      return sum;
    }
  }

  private static Tensor normed(
      Tape tape, Tensor input, Parameter weight, Optional<Tensor> offset, double eps) {
    Tensor out = input.emptyLike();
    try (Tensor factors = factors(tape, weight, offset);
        Tensor rstd = tape.device().floats(input.elements() / factors.elements())) {
      tape.kernels().rmsNorm(input, factors, eps, out, rstd);
      return out;
    } catch (RuntimeException failure) {
      out.close();
      throw failure;
    }
  }

  /**
   * Rotates the heads of {@code x} in place, those columns that the tables reach. The way back
   * turns a value back that is kept, too; where that cannot be undone, a copy is rotated.
   */
  public static Var rope(Tape tape, Var x, RopeTables tables) {
    Var turned = x.isValueKept() && tables.stretches() ? copied(tape, x) : x;
    Tensor value = turned.value();
    tables.turn(tape, value, Rotation.FORWARD);
    if (turned.needsGradient()) {
      boolean undo = turned.isValueKept();
      tape.record(
          turned,
          () -> {
            tables.turn(tape, turned.gradientToChange(), Rotation.BACKWARD);
            if (undo) {
              tables.turn(tape, value, Rotation.BACKWARD);
            }
          },
          tables.cos,
          tables.sin,
          tables.rows);
    }
    return turned;
  }

  /**
   * What rotary positions are read from.
   *
   * @param headDim columns of a head
   * @param cos [P, R/2], R at most {@code headDim}
   * @param sin [P, R/2]
   * @param rows int32 [T]: the row of the tables for every token
   * @param stretches whether cos² + sin² is another number than 1
   */
  public record RopeTables(int headDim, Tensor cos, Tensor sin, Tensor rows, boolean stretches) {

    private void turn(Tape tape, Tensor value, Rotation rotation) {
      tape.kernels().rope(value, headDim, cos, sin, rows, rotation);
    }
  }

  private static Var copied(Tape tape, Var x) {
    Var copy = tape.result(x.value().emptyLike().copyFrom(x.value()), x.needsGradient());
    if (x.needsGradient()) {
      tape.record(copy, () -> x.addGradient(copy.gradient().retain()));
    }
    return copy;
  }

  /** Attention inside segments; q [T, heads·D], k and v [T, kvHeads·D]. */
  public static Var attention(
      Tape tape, AttentionShape shape, Segments segments, Var q, Var k, Var v) {
    Tensor out = q.value().emptyLike();
    boolean needsGradient = q.needsGradient() || k.needsGradient() || v.needsGradient();
    Var result = tape.result(out, needsGradient);
    try (Tensor lse = tape.device().floats(q.value().size(0), shape.heads())) {
      tape.kernels().attention(shape, segments, q.value(), k.value(), v.value(), out, lse);
      if (needsGradient) {
        AttentionTensors saved = new AttentionTensors(q.value(), k.value(), v.value(), out, lse);
        tape.record(
            result,
            () -> attentionBackward(tape, shape, segments, saved, result, q, k, v),
            saved.q(),
            saved.k(),
            saved.v(),
            saved.out(),
            saved.lse());
      }
      return result;
    }
  }

  private static void attentionBackward(
      Tape tape,
      AttentionShape shape,
      Segments segments,
      AttentionTensors saved,
      Var result,
      Var q,
      Var k,
      Var v) {
    try (Tensor dq = saved.q().emptyLike();
        Tensor dk = saved.k().emptyLike();
        Tensor dv = saved.v().emptyLike()) {
      tape.kernels().attentionBackward(shape, segments, saved, result.gradient(), dq, dk, dv);
      giveGradient(q, dq);
      giveGradient(k, dk);
      giveGradient(v, dv);
    }
  }

  static void giveGradient(Var target, Tensor gradient) {
    if (target.needsGradient()) {
      target.addGradient(gradient.retain());
    }
  }

  /** silu(gate) · up; computed again on the way back, not held. */
  public static Var swiglu(Tape tape, Var gate, Var up) {
    Tensor gateValue = gate.value();
    Tensor upValue = up.value();
    Tensor out = gateValue.emptyLike();
    boolean needsGradient = gate.needsGradient() || up.needsGradient();
    Var result = tape.result(out, needsGradient);
    tape.kernels().swiglu(gateValue, upValue, out);
    if (needsGradient) {
      tape.record(
          result,
          () -> {
            try (Tensor dGate = gateValue.emptyLike();
                Tensor dUp = upValue.emptyLike()) {
              tape.kernels().swigluBackward(result.gradient(), gateValue, upValue, dGate, dUp);
              giveGradient(gate, dGate);
              giveGradient(up, dUp);
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
          tape.kernels().swiglu(gate.recalled(), up.recalled(), product);
          return product;
        });
    return result;
  }

  /**
   * x + branch: the residual connection. Both get the same gradient. Where the branch is held for
   * the way back anyway, the sum is not, unless that would make a chain of sums.
   */
  public static Var residual(Tape tape, Var x, Var branch) {
    Tensor out = x.value().emptyLike();
    Var result = tape.result(out, x.needsGradient() || branch.needsGradient());
    out.copyFrom(x.value());
    tape.kernels().add(branch.value(), out);
    if (result.needsGradient()) {
      tape.record(
          result,
          () -> {
            for (Var input : new Var[] {x, branch}) {
              if (input.needsGradient()) {
                input.addGradient(result.gradient().retain());
              }
            }
          });
    }
    if (branch.isValueKept() && !x.isDerived()) {
      tape.derive(
          result,
          List.of(x, branch),
          () -> {
            Tensor sum = x.recalled().emptyLike().copyFrom(x.recalled());
            tape.kernels().add(branch.recalled(), sum);
            return sum;
          });
    }
    return result;
  }

  /** x with a share of its elements zeroed; the mask is computed again on the way back. */
  public static Var dropout(Tape tape, Var x, DropoutMask mask) {
    Tensor out = x.value().emptyLike();
    Var result = tape.result(out, x.needsGradient());
    tape.kernels().dropout(x.value(), mask, out, Into.REPLACE);
    if (x.needsGradient()) {
      tape.record(
          result,
          () -> {
            Slot slot = x.gradientSlot();
            tape.kernels().dropout(result.gradient(), mask, slot.target(), slot.into());
          },
          mask.rowKeys());
    }
    return result;
  }
}
