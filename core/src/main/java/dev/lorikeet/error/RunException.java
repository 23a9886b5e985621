package dev.lorikeet.error;

/**
 * A run that could not go on although its settings were valid: full disk, NaN loss, lost device.
 */
public final class RunException extends LorikeetException {
  public RunException(String message) {
    super(message, null);
  }

  public RunException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 1;
  }
}
