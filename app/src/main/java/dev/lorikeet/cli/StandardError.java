package dev.lorikeet.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The process' standard error; Java itself tells of standard input and output only. */
final class StandardError {
  private static final int DESCRIPTOR = 2;

  private StandardError() {}

  /** Whether a person looks at it; no, where the system cannot be asked. */
  static boolean isTerminal() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> question =
        linker.defaultLookup().find("isatty").or(() -> linker.defaultLookup().find("_isatty"));
    if (question.isEmpty()) {
      return false;
    }
    FunctionDescriptor signature =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    try {
      Object answer = linker.downcallHandle(question.get(), signature).invoke(DESCRIPTOR);
      return answer instanceof Integer yes && yes != 0;
    } catch (Throwable refused) {
      throw new IllegalStateException("isatty cannot be called", refused);
    }
  }
}
