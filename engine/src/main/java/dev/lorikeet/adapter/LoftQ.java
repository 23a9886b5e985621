package dev.lorikeet.adapter;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizedWeight;
import dev.lorikeet.quant.Rounding;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The start of LoftQ: the adapter takes the largest singular values of what quantisation loses, and
 * the base is quantised once more without them, by turns:
 *
 * <p>Q₁ = quant(W), Qₜ = quant(W − s·Bₜ₋₁·Aₜ₋₁); s·Bₜ·Aₜ = the r largest singular values of W − Qₜ.
 *
 * <p>Shapes: W, Q [out, in], A [r, in], B [out, r]. The adapter has the last of the pairs, and the
 * base the last Q. After one turn that is the ordinary quantised weight; after more it is another
 * one, which has to be kept beside the adapter. Both sides of a singular value get its root over s;
 * PEFT leaves out s, so that its start is this one where lora_alpha is r.
 *
 * @param base Q in few bits, of the caller's scheme
 * @param start A and B
 * @see <a href="https://arxiv.org/abs/2310.08659">Li et al. 2023, algorithm 1</a>
 */
record LoftQ(QuantizedWeight base, LowRank start) {
  /** Elements of a worker's smallest share. */
  private static final int GRAIN = 1 << 14;

  /**
   * Quantises the weight of the map {@code module}; the caller owns both results. Holds one float32
   * copy of it meanwhile, two of a narrower weight, and what the decomposition takes.
   *
   * @param weight W, which stays as it is
   * @param settings those of the module, with the number of turns
   */
  static LoftQ of(String module, Tensor weight, QuantizationScheme scheme, LoraSettings settings) {
    LowRank start = LowRank.allocate(weight.device(), settings.r(), weight.size(0), weight.size(1));
    try (Tensor floats = weight.asFloats()) {
      return new LoftQ(alternate(floats, scheme, settings, start), start);
    } catch (ArithmeticException failure) {
      start.close();
      throw new ConfigException(
          "adapter.init_lora_weights: loftq cannot decompose what quantisation loses of %s: %s. The model's files may be damaged."
              .formatted(module, failure.getMessage()));
    } catch (RuntimeException failure) {
      start.close();
      throw failure;
    }
  }

  private static QuantizedWeight alternate(
      Tensor weight, QuantizationScheme scheme, LoraSettings settings, LowRank start) {
    QuantizedWeight held = Rounding.toNearest().of("", weight, scheme);
    try (Tensor rest = weight.emptyLike()) {
      for (int turn = 1; turn <= settings.start().iterations(); turn++) {
        if (turn > 1) {
          rest.copyFrom(weight);
          start.subtractFrom(rest, settings.scale());
          held.close();
          held = Rounding.toNearest().of("", rest, scheme);
        }
        if (weight.device().isForHostCode()) {
          loss(weight, held, rest);
          start.decompose(rest, settings.scale());
        }
      }
      return held;
    } catch (RuntimeException failure) {
      held.close();
      throw failure;
    }
  }

  /** out = W − Q. */
  private static void loss(Tensor weight, QuantizedWeight held, Tensor out) {
    Device device = weight.device();
    int columns = held.inFeatures();
    MemorySegment from = weight.segment();
    MemorySegment to = out.segment();
    device.forRange(
        held.outFeatures(),
        Math.max(1, GRAIN / columns),
        (first, end) -> {
          held.dequantizeRows(first, end - first, out.address() + 4L * first * columns);
          for (long i = (long) first * columns; i < (long) end * columns; i++) {
            float rest =
                from.getAtIndex(ValueLayout.JAVA_FLOAT, i)
                    - to.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            to.setAtIndex(ValueLayout.JAVA_FLOAT, i, rest);
          }
        });
  }
}
