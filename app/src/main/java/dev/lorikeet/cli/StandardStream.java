package dev.lorikeet.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The streams that a process is born with; Java tells of output and input only together. */
enum StandardStream {
  IN(0),
  OUT(1),
  ERR(2);

  private final int descriptor;

  StandardStream(int descriptor) {
    this.descriptor = descriptor;
  }

  /** Whether a person looks at it; no, where the system cannot be asked. */
  boolean isTerminal() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> question =
        linker.defaultLookup().find("isatty").or(() -> linker.defaultLookup().find("_isatty"));
    if (question.isEmpty()) {
      return false;
    }
    FunctionDescriptor signature =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    try {
      Object answer = linker.downcallHandle(question.get(), signature).invoke(descriptor);
      return answer instanceof Integer yes && yes != 0;
    } catch (Throwable refused) {
      throw new IllegalStateException("isatty cannot be called", refused);
    }
  }
}
