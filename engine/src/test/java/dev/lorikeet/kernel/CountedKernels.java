package dev.lorikeet.kernel;

import dev.lorikeet.torch.Device;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/** The kernels of shapes, with every call told to a listener. */
public final class CountedKernels {
  private CountedKernels() {}

  /**
   * Kernels that say their names, those of the optimisers and of further layers among them.
   *
   * @param device a device without memory
   * @param called hears the name of each kernel before it runs
   */
  public static Kernels of(Device device, Consumer<String> called) {
    UpdateKernels updates = listening(UpdateKernels.class, new NoUpdates(), called);
    LayerKernels layers = listening(LayerKernels.class, new NoLayers(), called);
    NoKernels shapes = new NoKernels(device);
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (_, method, arguments) -> {
              if (method.getName().equals("updates")) {
                return updates;
              }
              if (method.getName().equals("layers")) {
                return layers;
              }
              called.accept(method.getName());
              return invoke(method, shapes, arguments);
            });
  }

  private static <T> T listening(Class<T> type, T target, Consumer<String> called) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, arguments) -> {
              called.accept(method.getName());
              return invoke(method, target, arguments);
            }));
  }

  private static Object invoke(Method method, Object target, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException failure) {
      throw failure.getCause();
    }
  }
}
