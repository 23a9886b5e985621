package dev.lorikeet.judge;

/** Material of a prompt between tags that the material itself cannot close. */
final class Tagged {
  private Tagged() {}

  static void append(StringBuilder prompt, String tag, String material) {
    String safe = material.replace("</" + tag + ">", "<\\/" + tag + ">");
    prompt.append('<').append(tag).append(">\n").append(safe);
    prompt.append("\n</").append(tag).append(">\n");
  }
}
