package dev.lorikeet.quant;

import dev.lorikeet.torch.Tensor;

/** What becomes of a full-precision weight when a model is loaded with a quantised base. */
@FunctionalInterface
public interface Rounding {

  /**
   * The weight in few bits; the caller owns it.
   *
   * @param module name of the linear map, without {@code .weight}
   * @param weight floating-point [out, in] of finite numbers, which stays with the caller and
   *     unchanged
   */
  QuantizedWeight of(String module, Tensor weight, QuantizationScheme scheme);

  /** The codes of the weight itself. */
  static Rounding toNearest() {
    return (_, weight, scheme) -> Quantizer.quantize(weight, scheme);
  }
}
