package dev.lorikeet.judge;

import java.util.Locale;

/** One message of a conversation. */
public record ChatMessage(Role role, String content) {

  /** Who said it. */
  public enum Role {
    SYSTEM,
    USER,
    ASSISTANT;

    /** The role as chat protocols spell it. */
    public String spelling() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
