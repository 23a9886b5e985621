package dev.lorikeet.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Calls by name, which nothing checks at compile time. */
@Tag("native")
final class BoxedOperatorTest {

  @Test
  void itCallsAnOperatorByName() {
    try (LibTorch session = LibTorch.open(Precision.FLOAT32, Gradients.OFF);
        Device device = Device.cpu(1);
        Tensor x = device.floats(2, 3).copyFrom(new float[] {1, 2, 3, 4, 5, 6})) {
      org.bytedeco.pytorch.Tensor found =
          BoxedOperator.call(
                  "aten::narrow",
                  new IValue(session.memory(x)),
                  new IValue(1L),
                  new IValue(1L),
                  new IValue(2L))
              .getFirst();
      assertEquals(2, found.size(1));
      assertEquals(2 + 3 + 5 + 6, found.sum().item_double());
    }
  }

  @Test
  void anUnknownOneIsRefused() {
    try (LibTorch _ = LibTorch.open(Precision.FLOAT32, Gradients.OFF)) {
      assertThrows(RuntimeException.class, () -> BoxedOperator.call("aten::no_such_operator"));
    }
  }

  /** CudaFlash gives its arguments in this order; the CPU's libtorch knows the operators' types. */
  @Test
  void flashAttentionTakesWhatItIsGiven() {
    assertSchema(
        CudaFlash.FORWARD,
        "(Tensor query, Tensor key, Tensor value, Tensor? cum_seq_q, Tensor? cum_seq_k,"
            + " SymInt max_q, SymInt max_k, float dropout_p, bool is_causal,"
            + " bool return_debug_mask, *, float? scale=None, SymInt? window_size_left=None,"
            + " SymInt? window_size_right=None, Tensor? seqused_k=None,"
            + " Tensor? alibi_slopes=None) -> (Tensor output, Tensor softmax_logsumexp,");
    assertSchema(
        CudaFlash.BACKWARD,
        "(Tensor grad_out, Tensor query, Tensor key, Tensor value, Tensor out,"
            + " Tensor logsumexp, Tensor cum_seq_q, Tensor cum_seq_k, SymInt max_q,"
            + " SymInt max_k, float dropout_p, bool is_causal, Tensor rng_state,"
            + " Tensor unused, *, float? scale=None, SymInt? window_size_left=None,"
            + " SymInt? window_size_right=None) -> (Tensor, Tensor, Tensor)");
  }

  private static void assertSchema(String operator, String schema) {
    try (LibTorch _ = LibTorch.open(Precision.FLOAT32, Gradients.OFF)) {
      String state = Dispatcher.singleton().findSchemaOrThrow(operator, "").dumpState().getString();
      assertTrue(state.contains(operator + schema), state);
    }
  }

  @Test
  void offsetsAreWholeNumbersOfFourBytes() {
    try (LibTorch _ = LibTorch.open(Precision.FLOAT32, Gradients.OFF)) {
      org.bytedeco.pytorch.Tensor offsets = AbstractTensor.create(0, 5, 70_000);
      assertEquals(ScalarType.Int, offsets.scalar_type().intern());
      assertEquals(1, offsets.dim());
      assertEquals(70_005, offsets.sum().item_double());
    }
  }
}
