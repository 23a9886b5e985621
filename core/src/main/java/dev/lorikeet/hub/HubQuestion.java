package dev.lorikeet.hub;

import java.net.URI;
import java.util.Optional;

/**
 * What the hub is asked, for requests and for the messages about them.
 *
 * @param url what is asked for
 * @param about the repository and revision
 * @param path of the file, if it is one
 */
record HubQuestion(URI url, RepoReference about, Optional<String> path) {

  /** For messages, as in {@code config.json of OWNER/NAME}. */
  String words() {
    return path.map(p -> p + " of " + about.repo()).orElse(about.toString());
  }
}
