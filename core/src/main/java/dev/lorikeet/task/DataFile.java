package dev.lorikeet.task;

import java.util.List;

/**
 * A file that a task reads.
 *
 * @param task the task, for messages
 * @param content what is in it, as in "the validation split of HellaSwag"
 * @param paths where it may lie below a data folder, best first
 * @param origin where it can be had
 */
record DataFile(String task, String content, List<String> paths, String origin) {
  DataFile {
    paths = List.copyOf(paths);
  }
}
