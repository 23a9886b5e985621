package dev.lorikeet.nano;

/** Calls, letters and diaries of customer service: both sides repeat the thing and the number. */
final class Service implements DocumentKind {
  private static final int CALLS = 55;
  private static final int MAILS = 75;

  @Override
  public String write(Scope scope) {
    int choice = scope.dice().below(100);
    String symbol = choice < CALLS ? "call" : choice < MAILS ? "mail" : "diary";
    String first = scope.expand(symbol);
    if (symbol.equals("call") || scope.dice().chance(50)) {
      return first;
    }
    scope.forgetNames();
    return first + "\n\n" + scope.expand(symbol);
  }
}
