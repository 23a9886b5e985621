package dev.lorikeet.cli;

import dev.lorikeet.job.FineTuneResult;
import dev.lorikeet.job.FineTuneResult.End;
import dev.lorikeet.job.StopSignal;
import java.lang.System.Logger.Level;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Turns the first Ctrl-C or SIGTERM into a request to stop after the step, and the second into the
 * end of the process. While it is open, that is; then the signals mean again what they meant
 * before.
 *
 * <p>The JDK has signals in {@code sun.misc.Signal} only, which the compiler warns about and no
 * annotation silences; so the class is looked up by name. Where it is missing, or the JVM runs with
 * {@code -Xrs}, a signal ends the process at once, and the run goes on from its last checkpoint.
 */
final class Interruption implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Interruption.class.getName());

  /** POSIX numbers; a process that a signal ends has 128 and the number as its exit code. */
  private static final Map<String, Integer> NUMBERS = Map.of("INT", 2, "TERM", 15);

  private static final int SIGNALLED = 128;

  private final StopSignal stop;
  private final Progress progress;
  private final AtomicInteger first = new AtomicInteger();
  private final Map<Object, Object> previous = new LinkedHashMap<>();

  private Interruption(StopSignal stop, Progress progress) {
    this.stop = stop;
    this.progress = progress;
  }

  /** Catches both signals until it is closed. */
  static Interruption catching(StopSignal stop, Progress progress) {
    Interruption interruption = new Interruption(stop, progress);
    try {
      for (String name : List.of("INT", "TERM")) {
        interruption.install(name);
      }
    } catch (ReflectiveOperationException | RuntimeException unavailable) {
      LOG.log(Level.DEBUG, "signals=unavailable cause=" + unavailable);
    }
    return interruption;
  }

  /** 0 for a run that came to its end; 130 after Ctrl-C and 143 after SIGTERM. */
  int exitCode(FineTuneResult result) {
    return result.ending().end() == End.STOPPED ? SIGNALLED + first.get() : 0;
  }

  @SuppressWarnings("ReferenceEquality") // a handler equals itself alone
  private void install(String name) throws ReflectiveOperationException {
    Class<?> signals = Class.forName("sun.misc.Signal");
    Class<?> handlers = Class.forName("sun.misc.SignalHandler");
    int number = NUMBERS.getOrDefault(name, 0);
    Object signal = signals.getConstructor(String.class).newInstance(name);
    Object handler =
        Proxy.newProxyInstance(
            Interruption.class.getClassLoader(),
            new Class<?>[] {handlers},
            (proxy, method, values) ->
                switch (method.getName()) {
                  case "handle" -> {
                    arrived(number);
                    yield null;
                  }
                  case "equals" -> proxy == values[0];
                  case "hashCode" -> System.identityHashCode(proxy);
                  default -> "handler of " + name;
                });
    previous.put(signal, handle(signal, handler));
  }

  private static Object handle(Object signal, Object handler) throws ReflectiveOperationException {
    return signal
        .getClass()
        .getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler"))
        .invoke(null, signal, handler);
  }

  private void arrived(int number) {
    if (!first.compareAndSet(0, number)) {
      Runtime.getRuntime().halt(SIGNALLED + number);
    }
    stop.request();
    progress.say(
        "stopping after this step, with a checkpoint; once more ends at once, without one");
  }

  @Override
  public void close() {
    previous.forEach((signal, handler) -> {
      try {
        handle(signal, handler);
      } catch (InvocationTargetException e) {
        throw new IllegalStateException("signal handlers could not be put back", e.getCause());
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("signal handlers could not be put back", e);
      }
    });
    previous.clear();
  }
}
