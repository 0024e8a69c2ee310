package org.apache.cassandra.io.compress;

import java.util.Map;

/** Deflate, then encrypted. */
public final class EncryptingDeflateCompressor extends EncryptingCompressor {
    private EncryptingDeflateCompressor(Map<String, String> options) {
        super(DeflateCompressor.create(only(options, "-")), options);
    }

    /** The entry point that Cassandra calls by reflection. */
    public static EncryptingDeflateCompressor create(Map<String, String> options) {
        return new EncryptingDeflateCompressor(options);
    }
}
