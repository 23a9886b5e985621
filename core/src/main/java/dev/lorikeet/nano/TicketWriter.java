package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Writes one customer message and the ticket that belongs to it. */
final class TicketWriter {
  /** Which sentence templates a message may use. */
  enum Templates {
    /** The templates that every split shares. */
    SHARED,
    /** Half of the sentences from the templates that only the test split has. */
    SHARED_AND_NEW
  }

  private static final Grammar GRAMMAR = Grammar.of("words.txt", "tickets.txt");
  private static final Set<String> NEW_TEMPLATES =
      GRAMMAR.symbols().stream()
          .filter(list -> list.endsWith(".new"))
          .flatMap(list -> GRAMMAR.templates(list).stream())
          .collect(Collectors.toUnmodifiableSet());

  private static final int OWN_FRAME = 20;
  private static final int GREETED = 35;
  private static final int SAID_NORMAL = 40;
  private static final int NEW = 50;

  private final Templates templates;
  private final Scope scope;
  private final Dice dice;
  private final List<String> used = new ArrayList<>();

  private TicketWriter(Templates templates, Dice dice) {
    this.templates = templates;
    this.dice = dice;
    this.scope = new Scope(GRAMMAR, dice);
  }

  /** A message with its ticket and the sentence templates that it was made of. */
  record Draft(String message, Ticket ticket, List<String> templates) {
    /** Whether a sentence comes from a template that only the test split has. */
    boolean usesNew() {
      return templates.stream().anyMatch(NEW_TEMPLATES::contains);
    }
  }

  static Draft write(Templates templates, Dice dice) {
    return new TicketWriter(templates, dice).draft();
  }

  /** The lists of {@code tickets.txt} that hold sentence templates, by name. */
  static List<String> sentenceLists() {
    return GRAMMAR.symbols().stream().filter(TicketWriter::holdsSentences).toList();
  }

  static Grammar grammar() {
    return GRAMMAR;
  }

  private static boolean holdsSentences(String list) {
    String kind = list.endsWith(".new") ? list.substring(0, list.length() - 4) : list;
    kind = kind.substring(kind.indexOf('.') + 1);
    return List.of("problem", "order", "wish", "urgency", "greeting").contains(kind);
  }

  private Draft draft() {
    String category = scope.expand("categories");
    String wish = scope.expand("wishes");
    String urgency = scope.expand("urgencies");
    String problem = sentence("problem", category, "cue");
    String number = sentence("order");
    String want = sentence("wish", wish, "goal");
    String pace =
        urgency.equals("normal") && !dice.chance(SAID_NORMAL) ? "" : sentence(urgency + ".urgency");
    String greeting = dice.chance(GREETED) ? sentence("greeting") : "";
    var sentences = new ArrayList<>(List.of(greeting));
    sentences.addAll(arranged(problem, number, want, pace));
    sentences.removeIf(String::isEmpty);
    var ticket = new Ticket(scope.fill("<item.p>"), category, urgency, scope.fill("<d5.n>"), wish);
    return new Draft(String.join(" ", sentences), ticket, List.copyOf(used));
  }

  private List<String> arranged(String problem, String number, String want, String pace) {
    return switch (dice.below(6)) {
      case 0 -> List.of(problem, want, number, pace);
      case 1 -> List.of(number, problem, want, pace);
      case 2 -> List.of(pace, problem, number, want);
      case 3 -> List.of(problem, number, pace, want);
      case 4 -> List.of(number, problem, pace, want);
      default -> List.of(problem, number, want, pace);
    };
  }

  /** A sentence for {@code label}: its own one or a frame around one of its {@code phrases}. */
  private String sentence(String kind, String label, String phrases) {
    if (dice.chance(OWN_FRAME)) {
      return sentence(label + "." + kind);
    }
    String frame = template(kind);
    return scope.fill(frame.replace("<" + phrases + ">", scope.expand(label + "." + phrases)));
  }

  private String sentence(String list) {
    return scope.fill(template(list));
  }

  private String template(String list) {
    boolean fromNew = templates == Templates.SHARED_AND_NEW && dice.chance(NEW);
    String template = dice.pick(GRAMMAR.templates(fromNew ? list + ".new" : list));
    used.add(template);
    return template;
  }
}
