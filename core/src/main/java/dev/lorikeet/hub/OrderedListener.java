package dev.lorikeet.hub;

/** Lets a listener hear one thread at a time. */
final class OrderedListener implements HubListener {
  private final HubListener listener;

  OrderedListener(HubListener listener) {
    this.listener = listener;
  }

  @Override
  public synchronized void planned(int files, long bytes) {
    listener.planned(files, bytes);
  }

  @Override
  public synchronized void advanced(long done, long planned) {
    listener.advanced(done, planned);
  }

  @Override
  public synchronized void notice(String text) {
    listener.notice(text);
  }
}
