/**
 * Fused operations behind one interface, {@link dev.lorikeet.kernel.Kernels}: the Vector API on the
 * CPU, plain libtorch as the reference on any device, and none at all on the shape-only device.
 *
 * <p>The updates of optimisers stand apart in {@link dev.lorikeet.kernel.UpdateKernels}; their
 * reference are plain loops.
 *
 * <p>{@link dev.lorikeet.kernel.CudaKernels} starts the kernels of {@link
 * dev.lorikeet.kernel.CudaSource} on a GPU, one class for what is not a product with a 4-bit weight
 * and {@link dev.lorikeet.kernel.CudaFourBit} for what is.
 *
 * <p>Every kernel writes into tensors that its caller allocated, so the bytes of a computation are
 * those of the code above, whatever computes. Sums run in a fixed order and exponentials are own
 * polynomials: results do not depend on whether a loop was interpreted or compiled.
 *
 * <p>Knows {@code torch} and {@code error}.
 */
@NullMarked
package dev.lorikeet.kernel;

import org.jspecify.annotations.NullMarked;
