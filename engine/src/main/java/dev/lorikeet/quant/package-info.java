/**
 * Frozen weights in 4 and 8 bits: the codes (NF4, FP4, int8, and the dynamic map of quantised
 * scales), and a linear map over them that never holds its whole weight as float32.
 *
 * <p>Bytes follow bitsandbytes' CUDA kernels, files its published layout ({@code
 * dev.lorikeet.format.BitsAndBytes}).
 *
 * <p>Knows {@code nn}, {@code tape}, {@code kernel}, {@code torch}, and of core {@code config},
 * {@code error} and {@code format}.
 *
 * @see <a href="https://arxiv.org/abs/2305.14314">Dettmers et al. 2023, QLoRA, section 3</a>
 * @see <a href="https://arxiv.org/abs/2208.07339">Dettmers et al. 2022, LLM.int8()</a>
 */
@NullMarked
package dev.lorikeet.quant;

import org.jspecify.annotations.NullMarked;
