package dev.lorikeet.data;

import dev.lorikeet.error.DataException;
import java.util.ArrayList;
import java.util.List;

/** What a person should know about a source that was read. */
final class ReadFindings {
  /** Problems that are told word for word. */
  private static final int TOLD = 3;

  private final List<String> first = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private long records;
  private long leftOut;
  private long emptyResponses;

  /** Something that was decided by looking at the data. */
  void found(String sentence) {
    first.add(sentence);
  }

  void read() {
    records++;
  }

  void leftOut(DataException problem) {
    leftOut++;
    if (problems.size() < TOLD) {
      problems.add(String.valueOf(problem.getMessage()));
    }
  }

  void emptyResponse() {
    emptyResponses++;
  }

  /** Records that could not be used and were left out. */
  long leftOutCount() {
    return leftOut;
  }

  /** Records with an empty response that were kept. */
  long emptyResponseCount() {
    return emptyResponses;
  }

  /** Everything in sentences. */
  List<String> sentences(String source) {
    List<String> all = new ArrayList<>(first);
    if (leftOut > 0) {
      all.add(
          "%s: %d of %d records could not be used and were left out%s: %s"
              .formatted(
                  source,
                  leftOut,
                  records,
                  leftOut > problems.size() ? ", the first " + problems.size() : "",
                  String.join("; ", problems)));
    }
    if (emptyResponses > 0) {
      all.add(
          "%s: %d of %d records have an empty response, which teaches the model to say nothing; data.on_bad_record: skip leaves them out"
              .formatted(source, emptyResponses, records));
    }
    return all;
  }
}
