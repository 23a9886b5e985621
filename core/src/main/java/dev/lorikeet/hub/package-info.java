/**
 * Models and data sets from a Hugging Face compatible hub: what a repository holds, getting its
 * files whole or not at all, and the cache on the disk that is shared with Python's {@code
 * huggingface_hub}.
 *
 * <p>Layout of the cache, below {@code HF_HUB_CACHE}:
 *
 * <pre>
 *   models--OWNER--NAME/blobs/ETAG                 the bytes of a file, named by its checksum
 *   models--OWNER--NAME/blobs/ETAG.lorikeet.incomplete   what came of it so far
 *   models--OWNER--NAME/snapshots/COMMIT/PATH      symbolic link to the blob, or the file itself
 *   models--OWNER--NAME/refs/REVISION              the commit that a branch or tag meant
 *   models--OWNER--NAME/trees/COMMIT.json          all files of a commit with size and checksum
 *   .locks/models--OWNER--NAME/ETAG.lock           held while a blob is downloaded
 * </pre>
 *
 * Data sets lie in {@code datasets--OWNER--NAME}. Knows {@code error} and {@code format}.
 */
@NullMarked
package dev.lorikeet.hub;

import org.jspecify.annotations.NullMarked;
