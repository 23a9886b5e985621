package dev.lorikeet.judge;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/** A judge that answers as a test says: what a local model would be. */
final class Scripted implements ChatModel {
  private final String identity;
  private final Function<List<ChatMessage>, String> answers;
  private final List<List<ChatMessage>> asked = Collections.synchronizedList(new ArrayList<>());

  Scripted(String identity, Function<List<ChatMessage>, String> answers) {
    this.identity = identity;
    this.answers = answers;
  }

  static Scripted saying(String reply) {
    return new Scripted("scripted", _ -> reply);
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public String reply(List<ChatMessage> conversation) {
    asked.add(List.copyOf(conversation));
    return answers.apply(conversation);
  }

  List<List<ChatMessage>> asked() {
    return asked;
  }
}
