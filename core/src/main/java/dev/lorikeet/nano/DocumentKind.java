package dev.lorikeet.nano;

/** One kind of pre-training document; stateless, so every document depends on its scope alone. */
@FunctionalInterface
interface DocumentKind {
  /** Writes one document with the grammar and the random choices of {@code scope}. */
  String write(Scope scope);
}
