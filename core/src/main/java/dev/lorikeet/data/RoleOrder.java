package dev.lorikeet.data;

import dev.lorikeet.data.Turn.Role;
import dev.lorikeet.error.DataException;
import dev.lorikeet.source.SourceRecord;
import java.util.List;

/**
 * Who may speak after whom: a system turn only at the beginning, then user and assistant in turn.
 * After a call the tools answer, once or several times, and then the assistant; a user may speak
 * after any of these but a user.
 */
final class RoleOrder {
  private RoleOrder() {}

  /**
   * Checks the order, and that the assistant says something.
   *
   * @throws DataException naming the record and the message
   */
  static void require(SourceRecord record, List<Turn> turns) {
    for (int i = 0; i < turns.size(); i++) {
      Turn turn = turns.get(i);
      boolean first = i == 0 || turns.get(i - 1).role() == Role.SYSTEM;
      boolean fits =
          switch (turn.role()) {
            case SYSTEM -> i == 0;
            case USER -> first || turns.get(i - 1).role() != Role.USER;
            case ASSISTANT ->
                !first
                    && (turns.get(i - 1).role() != Role.ASSISTANT
                        || !turns.get(i - 1).toolCalls().isEmpty());
            case TOOL -> !first && turns.get(i - 1).role() != Role.USER;
          };
      if (!fits) {
        throw record.problem(
            "message %d is the %s's %s; user and assistant have to speak in turn, a system message comes first"
                .formatted(
                    i + 1,
                    turn.role().spelling(),
                    i == 0
                        ? "and the first"
                        : "after the " + turns.get(i - 1).role().spelling() + "'s"));
      }
    }
    if (turns.stream().noneMatch(turn -> turn.role() == Role.ASSISTANT)) {
      throw record.problem(
          "the assistant says nothing, so there is nothing to learn; the messages are "
              + turns.stream().map(turn -> turn.role().spelling()).toList());
    }
  }
}
