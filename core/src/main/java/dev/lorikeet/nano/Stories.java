package dev.lorikeet.nano;

/** Small stories whose people, animals and things come back from sentence to sentence. */
final class Stories implements DocumentKind {
  @Override
  public String write(Scope scope) {
    Dice dice = scope.dice();
    var story = new StringBuilder(scope.expand("opening"));
    for (int i = dice.between(2, 4); i > 0; i--) {
      story.append(' ').append(scope.expand("middle"));
    }
    story.append(' ').append(scope.expand("turn"));
    if (dice.chance(40)) {
      story.append(' ').append(scope.expand("middle"));
    }
    return story.append(' ').append(scope.expand("end")).toString();
  }
}
