package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The embedded data set: customer messages of a shop and the JSON ticket that each one asks for.
 *
 * <p>Every message is put together from sentence templates. The test split draws about half of its
 * sentences from templates that appear in no other split, and no test message is a near-copy of a
 * training message: {@link MessageOverlap} between them is at most {@link #LARGEST_OVERLAP}.
 */
public final class Tickets {
  /** Rows of the training split. */
  public static final int TRAIN_ROWS = 1_500;

  /** Rows of the validation split. */
  public static final int VALIDATION_ROWS = 200;

  /** Rows of the test split. */
  public static final int TEST_ROWS = 200;

  /** The largest {@link MessageOverlap} that a test message may have with a training message. */
  public static final double LARGEST_OVERLAP = 0.5;

  /**
   * One example of the data set.
   *
   * @param prompt the message and the start of the answer's line
   * @param completion a space and the ticket as JSON
   */
  public record Row(String prompt, String completion) {}

  private final List<Row> train;
  private final List<Row> validation;
  private final List<Row> test;

  /** The data set that {@code seed} stands for. */
  public Tickets(long seed) {
    var messages = new HashSet<String>();
    var trainDrafts =
        drafts(TicketWriter.Templates.SHARED, new Dice(seed, 0), TRAIN_ROWS, messages, List.of());
    List<MessageOverlap> known =
        trainDrafts.stream().map(draft -> MessageOverlap.of(draft.message())).toList();
    this.train = rows(trainDrafts);
    this.validation =
        rows(
            drafts(
                TicketWriter.Templates.SHARED,
                new Dice(seed, 1),
                VALIDATION_ROWS,
                messages,
                known));
    this.test =
        rows(
            drafts(
                TicketWriter.Templates.SHARED_AND_NEW,
                new Dice(seed, 2),
                TEST_ROWS,
                messages,
                known));
  }

  /** {@value #TRAIN_ROWS} rows. */
  public List<Row> train() {
    return train;
  }

  /** {@value #VALIDATION_ROWS} rows from the training split's templates. */
  public List<Row> validation() {
    return validation;
  }

  /** {@value #TEST_ROWS} rows, each with at least one sentence from a template of its own. */
  public List<Row> test() {
    return test;
  }

  private static List<TicketWriter.Draft> drafts(
      TicketWriter.Templates templates,
      Dice dice,
      int count,
      Set<String> messages,
      List<MessageOverlap> known) {
    var drafts = new ArrayList<TicketWriter.Draft>(count);
    while (drafts.size() < count) {
      TicketWriter.Draft draft = TicketWriter.write(templates, dice);
      var words = MessageOverlap.of(draft.message());
      boolean near = known.stream().anyMatch(other -> words.with(other) > LARGEST_OVERLAP);
      boolean plain = templates == TicketWriter.Templates.SHARED_AND_NEW && !draft.usesNew();
      if (!near && !plain && messages.add(draft.message())) {
        drafts.add(draft);
      }
    }
    return drafts;
  }

  private static List<Row> rows(List<TicketWriter.Draft> drafts) {
    return drafts.stream()
        .map(draft ->
            new Row("Message: " + draft.message() + "\nTicket:", " " + draft.ticket().toJson()))
        .toList();
  }
}
