package dev.lorikeet.source;

/**
 * What a data file held when it was read.
 *
 * @param path as the recipe names it
 * @param bytes size of the file
 * @param sha256 hash of its bytes, 64 lower-case hexadecimal digits
 */
public record FileHash(String path, long bytes, String sha256) {}
