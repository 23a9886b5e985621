package dev.lorikeet.hub;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpHeaders;
import java.nio.channels.UnresolvedAddressException;
import java.util.Locale;
import javax.net.ssl.SSLException;

/** What the hub's refusals mean and what to do about them. */
final class HubErrors {
  private static final String TOKEN_PAGE = "/settings/tokens";

  private final HubSettings settings;

  HubErrors(HubSettings settings) {
    this.settings = settings;
  }

  /** The failure that an answer with an error status stands for. */
  LorikeetException refused(HubQuestion question, HubResponse response) {
    HttpHeaders headers = response.headers();
    int status = response.status();
    if (!place(response.from()).equals(place(settings.endpoint()))) {
      // The hub let us through, so this is neither about the name nor about the token.
      return new RunException(
          "Could not get %s: %s, where the hub sent us, answered with status %d. Try again later, or over another network."
              .formatted(question.words(), place(response.from()), status));
    }
    String code = headers.firstValue("X-Error-Code").orElse("");
    if (code.equals("GatedRepo")) {
      return new ConfigException(gated(question, status));
    }
    return switch (status) {
      case 401 -> new ConfigException(unauthorized(question, said(headers)));
      case 403 -> new ConfigException(forbidden(question, said(headers)));
      case 404 -> new ConfigException(missing(question, code));
      default ->
          new RunException(
              "Could not get %s from %s: it answered with status %d%s. Try again later."
                  .formatted(question.words(), place(question.url()), status, said(headers)));
    };
  }

  private String gated(HubQuestion question, int status) {
    String page = settings.endpoint() + "/" + question.about().repo();
    String access =
        settings
            .token()
            .map(token ->
                "the account of the %s has no access to it; open %s with that account, accept the terms (some owners grant access by hand), and run again. A fine-grained token also needs the permission to read public gated repositories"
                    .formatted(token, page))
            .orElse(
                "open %s, log in and accept the terms, then make a token at %s and set HF_TOKEN to it"
                    .formatted(page, settings.endpoint() + TOKEN_PAGE));
    return "%s is gated (%d): %s".formatted(question.about().repo(), status, access);
  }

  private String unauthorized(HubQuestion question, String said) {
    return settings
        .token()
        .map(token ->
            "%s does not accept the %s (401)%s; it has expired, was revoked or belongs to another hub. Make a new one at %s, or remove it: public models need none"
                .formatted(place(settings.endpoint()), token, said, page(TOKEN_PAGE)))
        .orElseGet(() ->
            "%s does not show %s without a token (401)%s; either the name is misspelt, or the repository is private or gated. Check the name, or make a token at %s and set HF_TOKEN to it"
                .formatted(
                    place(settings.endpoint()), question.about().repo(), said, page(TOKEN_PAGE)));
  }

  private String forbidden(HubQuestion question, String said) {
    return settings
        .token()
        .map(token ->
            "the %s may not read %s (403)%s; give it the permission to read this repository at %s, or use another token"
                .formatted(token, question.about().repo(), said, page(TOKEN_PAGE)))
        .orElseGet(() ->
            "%s may not be read without a token (403)%s; make one at %s and set HF_TOKEN to it"
                .formatted(question.about().repo(), said, page(TOKEN_PAGE)));
  }

  private String missing(HubQuestion question, String code) {
    RepoReference about = question.about();
    if (code.equals("RevisionNotFound")) {
      return "%s has no revision '%s' (404); its branches and tags are listed at %s"
          .formatted(about.repo(), about.revision(), page("/" + about.repo() + "/tree/main"));
    }
    if (code.equals("EntryNotFound") || question.path().isPresent()) {
      return "%s has no file %s at revision '%s' (404)"
          .formatted(about.repo(), question.path().orElse("of that name"), about.revision());
    }
    return "%s has no repository %s (404); check the name. A private repository looks the same to others: %s"
        .formatted(
            place(settings.endpoint()),
            about.repo(),
            settings
                .token()
                .map(token -> "the account of the " + token + " does not see it")
                .orElse("set HF_TOKEN to a token that may read it"));
  }

  /** What a server wrote about its refusal, in brackets; empty if nothing. */
  private String said(HttpHeaders headers) {
    String text = settings.shown(headers.firstValue("X-Error-Message").orElse(""));
    return text.isEmpty() ? "" : " (\"" + text + "\")";
  }

  private String page(String path) {
    return settings.endpoint() + path;
  }

  /** The failure of a server that could not be reached, or broke off, to the end of patience. */
  RunException unreachable(HubQuestion question, URI at, IOException cause, int attempts) {
    return new RunException(
        "Could not get %s from %s: %s (%d attempts). Check the connection%s, then run again: what came so far is kept. With --offline or HF_HUB_OFFLINE=1 only the cache is used."
            .formatted(
                question.words(),
                place(at),
                settings.shown(reason(cause)),
                attempts,
                at.getHost().equals(settings.endpoint().getHost()) ? " and HF_ENDPOINT" : ""),
        cause);
  }

  /** Why a request failed, in words. */
  static String reason(IOException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
        return "the name of the host is not known";
      }
      if (cause instanceof SSLException) {
        return "no secure connection (" + cause.getMessage() + ")";
      }
    }
    if (failure instanceof ConnectException || failure.getCause() instanceof ConnectException) {
      return "nobody answers there";
    }
    String message = failure.getMessage();
    return message == null ? "the connection was lost" : message;
  }

  /** Scheme and host of an address, without what may be secret in it. */
  static String place(URI address) {
    String port = address.getPort() < 0 ? "" : ":" + address.getPort();
    return "%s://%s%s"
        .formatted(
            String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT), address.getHost(), port);
  }
}
