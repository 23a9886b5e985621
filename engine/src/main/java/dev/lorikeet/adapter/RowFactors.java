package dev.lorikeet.adapter;

import dev.lorikeet.kernel.MagnitudeKernels.Sums;
import dev.lorikeet.nn.BaseWeight;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;

/**
 * The factors c = m / ‖W + s·BA‖₂ by rows of a {@link Dora} map, and the gradient of the magnitudes
 * m: dm = Σₜ dy⊙z / norm with z = Wx + s·BAx, since the norm counts as a constant. m, c and the
 * bias are [out].
 *
 * <p>The norms follow once after every update of A, B or m, however often the map runs. A row of
 * norm 0 has c = 1 and no gradient of m. Owns m and the factors.
 */
abstract sealed class RowFactors implements AutoCloseable permits HostRowFactors, DeviceRowFactors {
  private final Lora lora;
  private final Parameter magnitude;
  private final Tensor bias;
  private final Tensor factor;
  private final Tensor shift;
  private long normsVersion = -1;
  private long factorVersion = -1;

  /** Factors with a given magnitude, which they take over. */
  RowFactors(Lora lora, BaseWeight weight, Tensor magnitude) {
    this.lora = lora;
    int out = lora.outFeatures();
    Device device = magnitude.device();
    this.magnitude =
        new Parameter(lora.name() + ".lora_magnitude_vector", magnitude, Training.TRAINABLE);
    bias = device.zeros(out);
    weight.bias().ifPresent(b -> bias.copyFrom(b.value()));
    factor = device.floats(out);
    shift = device.floats(out);
  }

  /** Norms and factors for the present A, B and m; does nothing as long as none of them changed. */
  final void follow() {
    if (normsVersion != matricesVersion()) {
      updateNorms();
      followed();
    }
    long version = normsVersion + magnitude.version();
    if (factorVersion != version) {
      updateFactors();
    }
    factorVersion = version;
  }

  /** The norms are those of the present A and B. */
  final void followed() {
    normsVersion = matricesVersion();
  }

  private long matricesVersion() {
    return lora.a().version() + lora.b().version();
  }

  /** Norms of the rows for the present A and B. */
  abstract void updateNorms();

  /** c and its shift for the present norms and m. */
  abstract void updateFactors();

  final Lora lora() {
    return lora;
  }

  /** m. */
  final Parameter magnitude() {
    return magnitude;
  }

  /** b; zeros where the map has none. */
  final Tensor bias() {
    return bias;
  }

  /** c, as of the last {@link #follow}. */
  final Tensor factor() {
    return factor;
  }

  /** (1 − c)·b: added to c⊙(z + b) it leaves the bias unscaled. */
  final Tensor shift() {
    return shift;
  }

  /** c − 1 and what it takes to leave the bias out; the caller closes it. */
  abstract LessOne lessOne();

  /** A factor and its shift. */
  record LessOne(Tensor factor, Tensor shift) implements AutoCloseable {
    @Override
    public void close() {
      factor.close();
      shift.close();
    }
  }

  /**
   * dm += Σₜ dy⊙z / norm, but for rows without a norm and weak ones.
   *
   * @param sums [out], what {@code form} says
   */
  abstract void addGradient(Sums form, Tensor sums);

  /**
   * Adds the gradient of rows whose factor is too small to find z in y: z = Wᵢx + s·Bᵢ·u again.
   *
   * @param input x [T,in]
   * @param u Ax [T,r]
   * @param dy [T,out]
   */
  abstract void addGradientOfWeakRows(Tensor input, Tensor u, Tensor dy);

  @Override
  public void close() {
    magnitude.close();
    bias.close();
    factor.close();
    shift.close();
  }
}
