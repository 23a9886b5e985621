package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.kernel.CudaSource;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The run-time compiler itself, which needs no GPU; skipped where it is not installed. */
@Tag("native")
final class NvrtcTest {
  private static final byte[] ELF = {0x7f, 'E', 'L', 'F'};

  private static Nvrtc compiler() {
    CudaLibraries libraries = CudaLibraries.ofThisMachine();
    Assumptions.assumeTrue(
        libraries.find(CudaLibraries.COMPILER).isPresent(),
        "compiling at run time needs libnvrtc.so.13 or .12 (CUDA_HOME)");
    return new Nvrtc(libraries.load(CudaLibraries.COMPILER, "", ""));
  }

  @Test
  void everyKernelCompilesForEveryArchitecture() {
    Nvrtc compiler = compiler();
    for (int architecture : new int[] {75, 80, 86, 89, 90}) {
      byte[] image = compiler.compile(CudaSource.text(), compiler.target(architecture));
      assertEquals(
          Arrays.toString(ELF), Arrays.toString(Arrays.copyOf(image, ELF.length)), "CUBIN");
    }
  }

  @Test
  void gpuNewerThanTheCompilerGetsPtx() {
    Nvrtc compiler = compiler();
    Nvrtc.Target target = compiler.target(990);
    assertTrue(target.option().contains("compute_"), target.option());
    String ptx = new String(compiler.compile(CudaSource.text(), target), StandardCharsets.UTF_8);
    assertTrue(ptx.contains(".entry rms_norm("), "PTX has the kernels under their own names");
  }

  @Test
  void mistakesComeWithFileAndLine() {
    Nvrtc compiler = compiler();
    Nvrtc.Target target = compiler.target(80);
    IllegalStateException wrong =
        assertThrows(
            IllegalStateException.class,
            () -> compiler.compile("#line 7 \"norm.cu\"\nnonsense;\n", target));
    assertTrue(
        String.valueOf(wrong.getMessage()).contains("norm.cu(7): error"), wrong.getMessage());
  }
}
