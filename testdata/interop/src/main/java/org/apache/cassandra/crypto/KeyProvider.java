package org.apache.cassandra.crypto;

import java.io.IOException;
import java.nio.ByteBuffer;
import javax.crypto.SecretKey;

/** Where an Encryptor gets its keys, and what it writes in front of a chunk to find the key again. */
public interface KeyProvider {
    /** The most bytes that {@link #writeHeader} can put. */
    int maxHeaderLength();

    /** Puts the header of a new chunk and returns the key that it names. */
    SecretKey writeHeader(ByteBuffer output) throws IOException;

    /** Takes the header off a stored chunk and returns the key that it names. */
    SecretKey readHeader(ByteBuffer chunk) throws IOException;
}
