package dev.lorikeet.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;

/** Operators of libtorch by name, for those that its Java side has no method for. */
final class BoxedOperator {
  private BoxedOperator() {}

  /**
   * Calls an operator without an overload's name.
   *
   * @param name with its namespace, as in {@code aten::add}
   * @param arguments all of them, in the order of the operator's schema; an empty one is none
   * @return its results, which are tensors
   */
  static List<org.bytedeco.pytorch.Tensor> call(String name, IValue... arguments) {
    IValueVector stack = new IValueVector(arguments);
    Dispatcher.singleton().findSchemaOrThrow(name, "").callBoxed(stack);
    List<org.bytedeco.pytorch.Tensor> results = new ArrayList<>();
    for (long i = 0; i < stack.size(); i++) {
      results.add(stack.get(i).toTensor());
    }
    return results;
  }
}
