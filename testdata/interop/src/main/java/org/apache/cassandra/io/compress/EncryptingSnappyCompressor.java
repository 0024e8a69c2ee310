package org.apache.cassandra.io.compress;

import java.util.Map;

/** Snappy, then encrypted. */
public final class EncryptingSnappyCompressor extends EncryptingCompressor {
    private EncryptingSnappyCompressor(Map<String, String> options) {
        super(SnappyCompressor.create(only(options, "-")), options);
    }

    /** The entry point that Cassandra calls by reflection. */
    public static EncryptingSnappyCompressor create(Map<String, String> options) {
        return new EncryptingSnappyCompressor(options);
    }
}
