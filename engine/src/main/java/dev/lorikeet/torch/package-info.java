/**
 * Tensors, devices and native memory: the only room that imports {@code org.bytedeco}.
 *
 * <p>A {@link dev.lorikeet.torch.Device} allocates {@link dev.lorikeet.torch.Tensor}s, multiplies
 * matrices and counts bytes. The CPU device keeps tensors in its own pooled native memory and
 * multiplies with OpenBLAS; it never loads libtorch, which costs two seconds and 200 MB at start.
 * The shape-only device allocates nothing and counts everything, so that the very code of a model
 * tells what a run needs. libtorch itself is reached through {@link dev.lorikeet.torch.LibTorch}:
 * the plain reference of every fused kernel.
 *
 * <p>{@link dev.lorikeet.torch.CudaLauncher} compiles and starts CUDA kernels through the foreign
 * function API, without libtorch.
 *
 * <p>Knows only {@code error}.
 */
@NullMarked
package dev.lorikeet.torch;

import org.jspecify.annotations.NullMarked;
