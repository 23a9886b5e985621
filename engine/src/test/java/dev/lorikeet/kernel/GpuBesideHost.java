package dev.lorikeet.kernel;

import dev.lorikeet.torch.CudaLibraries;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.EmulatedCuda;
import dev.lorikeet.torch.KernelLauncher;
import dev.lorikeet.torch.ManagedDevice;

/**
 * A GPU, real or emulated, and the CPU whose results are compared with its own.
 *
 * @param cuda starts kernels
 * @param gpu memory that these kernels work in
 * @param host memory of the references
 */
record GpuBesideHost(KernelLauncher cuda, ManagedDevice gpu, Device host) implements AutoCloseable {

  /** The GPU of {@code cuda}, which this takes over. */
  static GpuBesideHost of(CudaLibraries libraries, KernelLauncher cuda) {
    return new GpuBesideHost(cuda, new ManagedDevice(libraries, cuda), Device.cpu(1));
  }

  /** The emulation of a GPU by the host, which this takes over. */
  static GpuBesideHost of(EmulatedCuda cuda) {
    return of(cuda.libraries(), cuda);
  }

  @Override
  public void close() {
    host.close();
    gpu.close();
    cuda.close();
  }
}
