package dev.lorikeet.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The body of a response, read by one thread piece by piece with a limit for silence, which the
 * JDK's client does not have: a connection that stays open and says nothing would hold it for ever.
 */
final class BodyReader implements Flow.Subscriber<List<ByteBuffer>>, AutoCloseable {
  /** Pieces of at most 16 KiB that may lie here while the reader is busy. */
  private static final int AHEAD = 64;

  private sealed interface Event {
    record Data(List<ByteBuffer> buffers) implements Event {}

    record Failed(Throwable cause) implements Event {}

    record Ended() implements Event {}
  }

  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
  private final Duration silence;

  /** The body that {@code publisher} gives. */
  BodyReader(Flow.Publisher<List<ByteBuffer>> publisher, Duration silence) {
    this.silence = silence;
    publisher.subscribe(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription.complete(given);
    given.request(AHEAD);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    events.add(new Event.Data(buffers));
  }

  @Override
  public void onError(Throwable cause) {
    events.add(new Event.Failed(cause));
  }

  @Override
  public void onComplete() {
    events.add(new Event.Ended());
  }

  /**
   * The next bytes; empty at the end of the body.
   *
   * @throws IOException if the connection ends too early or is silent for too long
   */
  Optional<List<ByteBuffer>> next() throws IOException, InterruptedException {
    Event event = events.poll(silence.toMillis(), TimeUnit.MILLISECONDS);
    if (event == null) {
      throw new HttpTimeoutException("no byte came for " + silence.toSeconds() + " s");
    }
    return switch (event) {
      case Event.Data(List<ByteBuffer> buffers) -> {
        subscription.join().request(1);
        yield Optional.of(buffers);
      }
      case Event.Failed(Throwable cause) -> throw new IOException(cause.getMessage(), cause);
      case Event.Ended() -> Optional.empty();
    };
  }

  /**
   * The whole body.
   *
   * @param mostBytes of it; more is a failure
   */
  byte[] all(int mostBytes) throws IOException, InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (Optional<List<ByteBuffer>> next = next(); next.isPresent(); next = next()) {
      for (ByteBuffer buffer : next.get()) {
        byte[] part = new byte[buffer.remaining()];
        buffer.get(part);
        bytes.write(part);
      }
      if (bytes.size() > mostBytes) {
        throw new IOException("the answer is longer than " + mostBytes + " bytes");
      }
    }
    return bytes.toByteArray();
  }

  /** Ends the connection if the body was not read to its end. */
  @Override
  public void close() {
    var _ = subscription.thenAccept(Flow.Subscription::cancel);
  }
}
