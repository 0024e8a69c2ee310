package org.apache.cassandra.io.compress;

import java.util.Map;

/** LZ4, then encrypted. */
public final class EncryptingLZ4Compressor extends EncryptingCompressor {
    private EncryptingLZ4Compressor(Map<String, String> options) {
        super(LZ4Compressor.create(only(options, "lz4_")), options);
    }

    /** The entry point that Cassandra calls by reflection. */
    public static EncryptingLZ4Compressor create(Map<String, String> options) {
        return new EncryptingLZ4Compressor(options);
    }
}
