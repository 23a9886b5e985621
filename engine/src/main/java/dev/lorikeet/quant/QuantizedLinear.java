package dev.lorikeet.quant;

import dev.lorikeet.kernel.DeviceMatrix;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Tape;
import dev.lorikeet.tape.Var;
import dev.lorikeet.tape.Var.Slot;
import dev.lorikeet.torch.HeldMatrix;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TiledMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * y = x·Wᵀ + b with a frozen weight in few bits; W is what its codes stand for. Backward: dx =
 * dy·W.
 *
 * <p>Shapes: x [T, in], W [out, in], y [T, out]. W becomes float32 in tiles of rows, forward and
 * backward, and never as a whole (Dettmers et al. 2023, section 3, equation 5). Where the host does
 * not see the memory, {@link DeviceMatrix} multiplies.
 */
public final class QuantizedLinear implements BaseLinear, BaseWeight {
  private final String name;
  private final QuantizedWeight weight;
  private final HeldMatrix matrix;
  private final Optional<Parameter> bias;

  /**
   * Takes over weight and bias.
   *
   * @param name module name
   * @param bias b [out], if the module has one
   */
  public QuantizedLinear(String name, QuantizedWeight weight, Optional<Parameter> bias) {
    this.name = name;
    this.weight = weight;
    matrix = weight.device().hasOwnMemory() ? weight.onDevice() : tiles(weight);
    this.bias = bias;
  }

  private static TiledMatrix tiles(QuantizedWeight weight) {
    return new TiledMatrix(
        weight.device(),
        weight.outFeatures(),
        weight.inFeatures(),
        weight::dequantizeRows,
        weight.dots());
  }

  @Override
  public Var forward(Pass pass, Var x) {
    Tape tape = pass.tape();
    Tensor out = tape.device().floats(x.value().size(0), weight.outFeatures());
    Var y = tape.result(out, x.needsGradient());
    matrix.timesTransposed(1f, x.value(), 0f, out);
    if (x.needsGradient()) {
      tape.record(
          y,
          () -> {
            Slot slot = x.gradientSlot();
            matrix.times(1f, y.gradient(), slot.beta(), slot.target());
          });
    }
    return bias.isPresent() ? Ops.bias(tape, y, bias.get()) : y;
  }

  @Override
  public float[] rowSquares() {
    int in = weight.inFeatures();
    float[] squares = new float[weight.outFeatures()];
    if (!(matrix instanceof TiledMatrix tiles)) {
      throw new IllegalStateException("the host sees no values of " + name);
    }
    tiles.forEachTile((cpu, first, count, tile) ->
        cpu.forRange(
            count,
            1,
            (from, to) -> {
              MemorySegment rows =
                  MemorySegment.ofAddress(tile).reinterpret((long) Float.BYTES * count * in);
              for (int row = from; row < to; row++) {
                squares[first + row] = (float) sumOfSquares(rows, (long) row * in, in);
              }
            }));
    return squares;
  }

  @Override
  public DeviceMatrix onDevice() {
    return matrix instanceof DeviceMatrix held ? held : weight.onDevice();
  }

  private static double sumOfSquares(MemorySegment rows, long first, int count) {
    double sum = 0;
    for (long i = first; i < first + count; i++) {
      double value = rows.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      sum += value * value;
    }
    return sum;
  }

  @Override
  public void timesTransposed(Tensor a, Tensor out) {
    matrix.timesTransposed(1f, a, 0f, out);
  }

  @Override
  public void readRows(int first, Tensor rows) {
    matrix.readRows(first, rows);
  }

  @Override
  public Optional<Parameter> bias() {
    return bias;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int inFeatures() {
    return weight.inFeatures();
  }

  @Override
  public int outFeatures() {
    return weight.outFeatures();
  }

  /** The weight as it reads in products. */
  HeldMatrix matrix() {
    return matrix;
  }

  /** The weight in its quantised form. */
  public QuantizedWeight weight() {
    return weight;
  }

  @Override
  public List<Parameter> parameters() {
    return bias.stream().toList();
  }

  @Override
  public long parameterCount() {
    return (long) inFeatures() * outFeatures() + bias.map(b -> b.value().elements()).orElse(0L);
  }

  @Override
  public long weightBytes() {
    return weight.bytes() + bias.map(b -> b.value().bytes()).orElse(0L);
  }

  @Override
  public void close() {
    weight.close();
    bias.ifPresent(Parameter::close);
  }
}
