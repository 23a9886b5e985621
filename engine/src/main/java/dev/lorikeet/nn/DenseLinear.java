package dev.lorikeet.nn;

import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device.Transpose;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * y = x·Wᵀ + b with a floating-point weight.
 *
 * @param name module name
 * @param weight W [out, in]
 * @param bias b [out], if the module has one
 */
public record DenseLinear(String name, Parameter weight, Optional<Parameter> bias)
    implements BaseLinear, BaseWeight {
  private static final int ROW_GRAIN = 16;
  private static final int TILE_ROWS = 512;

  /** The map {@code name} of a checkpoint: {@code name.weight} and perhaps {@code name.bias}. */
  public static DenseLinear load(
      Weights weights, String name, Shape shape, Bias bias, String impliedBy) {
    Parameter weight =
        weights.parameter(name + ".weight", impliedBy, shape.outFeatures(), shape.inFeatures());
    try {
      Optional<Parameter> biasParameter =
          bias == Bias.YES
              ? Optional.of(weights.parameter(name + ".bias", impliedBy, shape.outFeatures()))
              : Optional.empty();
      return new DenseLinear(name, weight, biasParameter);
    } catch (RuntimeException failure) {
      weight.close();
      throw failure;
    }
  }

  /** Columns in and out. */
  public record Shape(int inFeatures, int outFeatures) {}

  /** Whether a map has a bias. */
  public enum Bias {
    YES,
    NO;

    /** YES if {@code present}. */
    public static Bias of(boolean present) {
      return present ? YES : NO;
    }
  }

  @Override
  public List<Parameter> parameters() {
    return bias.isPresent() ? List.of(weight, bias.get()) : List.of(weight);
  }

  @Override
  public long parameterCount() {
    return parameters().stream().mapToLong(parameter -> parameter.value().elements()).sum();
  }

  @Override
  public long weightBytes() {
    return parameters().stream().mapToLong(parameter -> parameter.value().bytes()).sum();
  }

  @Override
  public void close() {
    parameters().forEach(Parameter::close);
  }

  @Override
  public int inFeatures() {
    return Math.toIntExact(weight.value().size(1));
  }

  @Override
  public int outFeatures() {
    return Math.toIntExact(weight.value().size(0));
  }

  @Override
  public Var forward(Pass pass, Var x) {
    Var y = Ops.linear(pass.tape(), x, weight);
    return bias.isPresent() ? Ops.bias(pass.tape(), y, bias.get()) : y;
  }

  @Override
  public float[] rowSquares() {
    float[] squares = new float[outFeatures()];
    int tileRows = Math.min(TILE_ROWS, squares.length);
    for (int first = 0; first < squares.length; first += tileRows) {
      int count = Math.min(tileRows, squares.length - first);
      try (Tensor stored = weight.value().rows(first, count);
          Tensor rows = stored.asFloats()) {
        if (rows.device().isForHostCode()) {
          squares(rows, rows.segment(), first, squares);
        }
      }
    }
    return squares;
  }

  @Override
  public DeviceMatrix onDevice() {
    return DeviceMatrix.of(weight.value());
  }

  private static void squares(Tensor rows, MemorySegment w, int first, float[] squares) {
    int in = Math.toIntExact(rows.size(1));
    rows.device()
        .forRange(
            Math.toIntExact(rows.size(0)),
            ROW_GRAIN,
            (from, to) -> {
              for (int i = from; i < to; i++) {
                squares[first + i] = (float) squares(w, (long) i * in, in);
              }
            });
  }

  private static double squares(MemorySegment w, long from, int count) {
    double sum = 0;
    for (int j = 0; j < count; j++) {
      double value = w.getAtIndex(ValueLayout.JAVA_FLOAT, from + j);
      sum += value * value;
    }
    return sum;
  }

  @Override
  public void timesTransposed(Tensor a, Tensor out) {
    a.device().gemm(Transpose.NO, Transpose.YES, 1f, a, weight.value(), 0f, out);
  }

  @Override
  public void readRows(int from, Tensor out) {
    try (Tensor rows = weight.value().rows(from, out.size(0))) {
      out.copyFrom(rows);
    }
  }
}
