/**
 * Files that other tools read and write: safetensors, GGUF, Hugging Face checkpoints, PEFT
 * adapters.
 *
 * <p>A safetensors file is
 *
 * <pre>
 * u64     header length N, little-endian, at most 100 MB
 * N bytes UTF-8 JSON object, starting with '{', padded with spaces to a multiple of 8:
 *         {"__metadata__": {string: string},
 *          NAME: {"dtype": string, "shape": [...], "data_offsets": [begin, end]}, ...}
 * rest    the tensors, row-major and little-endian; offsets count from the first byte after the
 *         header and cover the rest of the file without holes or overlaps
 * </pre>
 *
 * <p>Whatever is read here may be damaged or hostile: each lie is a {@link
 * dev.lorikeet.error.FormatException} that names the file and the place. Whatever is written here
 * goes through {@link dev.lorikeet.format.AtomicFile}, so that no partial file is ever left behind.
 *
 * <p>Knows {@code dev.lorikeet.error} and no other room.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the safetensors format</a>
 */
@NullMarked
package dev.lorikeet.format;

import org.jspecify.annotations.NullMarked;
