package dev.lorikeet.error;

/** Training or evaluation data that cannot be used: names the file, the line and the key. */
public final class DataException extends LorikeetException {
  public DataException(String message) {
    super(message, null);
  }

  public DataException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
