package dev.lorikeet.nano;

import java.util.ArrayList;
import java.util.List;

/** A few facts in one text, then questions about them that are answered by a word of the text. */
final class Questions implements DocumentKind {
  private record Question(String question, String answer) {}

  @Override
  public String write(Scope scope) {
    Dice dice = scope.dice();
    var sentences = new ArrayList<String>();
    var questions = new ArrayList<Question>();
    for (int i = dice.between(1, 4); i > 0; i--) {
      addFact(scope, sentences, questions);
      if (dice.chance(25)) {
        sentences.add(scope.expand("filler"));
      }
    }
    dice.shuffle(questions);
    return page(scope, sentences, questions.subList(0, Math.min(6, questions.size())));
  }

  private static void addFact(Scope scope, List<String> sentences, List<Question> questions) {
    scope.forgetNames();
    String[] parts = scope.expand("fact").split(" ## ", -1);
    sentences.add(capital(scope.fill(parts[0])));
    for (int i = 1; i < parts.length; i++) {
      String[] sides = parts[i].split(" \\| ", -1);
      questions.add(new Question(sides[0], sides[1]));
    }
  }

  private static String page(Scope scope, List<String> sentences, List<Question> questions) {
    String ask = scope.expand("ask");
    String reply = scope.expand("reply");
    var page = new StringBuilder(String.join(" ", sentences));
    for (Question question : questions) {
      page.append("\n").append(ask).append(" ").append(question.question());
      page.append("\n").append(reply).append(" ").append(question.answer());
    }
    return page.toString();
  }

  static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
