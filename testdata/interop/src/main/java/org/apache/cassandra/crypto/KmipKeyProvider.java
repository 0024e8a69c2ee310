package org.apache.cassandra.crypto;

import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Properties;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * Writes and reads the KMIP key header: version 0x00, int32 length, key id (KMIP.md 3.1).
 *
 * <p>The properties file is read once per provider, that is once per opened SSTable, so an id that is
 * taken out of it is gone for everything opened later in the same JVM.
 */
public final class KmipKeyProvider implements KeyProvider {
    private static final byte VERSION = 0;
    private static final int MAX_ID_LENGTH = 256;

    private final Path file;
    private final String group;
    private final String algorithm;
    private Properties entries;

    KmipKeyProvider(Path file, String group, String algorithm) {
        this.file = file;
        this.group = group;
        this.algorithm = algorithm;
    }

    @Override
    public int maxHeaderLength() {
        return 1 + Integer.BYTES + MAX_ID_LENGTH;
    }

    @Override
    public SecretKey writeHeader(ByteBuffer output) throws IOException {
        String id = entries().getProperty("write." + group);
        if (id == null) throw new IOException("no line write." + group + " in " + file);
        byte[] bytes = id.getBytes(StandardCharsets.UTF_8);
        output.put(VERSION).putInt(bytes.length).put(bytes);
        return key(id);
    }

    @Override
    public SecretKey readHeader(ByteBuffer chunk) throws IOException {
        if (chunk.remaining() < 1 + Integer.BYTES) throw new IOException("chunk is too short for a KMIP header");
        byte version = chunk.get();
        if (version != VERSION) throw new IOException("unknown version " + version + " of the KMIP header");
        int length = chunk.getInt();
        if (length < 0 || length > Math.min(MAX_ID_LENGTH, chunk.remaining()))
            throw new IOException("impossible key id length " + length);
        byte[] id = new byte[length];
        chunk.get(id);
        return key(new String(id, StandardCharsets.UTF_8));
    }

    private SecretKey key(String id) throws IOException {
        String hex = entries().getProperty(id);
        if (hex == null) throw new IOException("no key " + id + " in " + file);
        return new SecretKeySpec(HexFormat.of().parseHex(hex), algorithm);
    }

    private synchronized Properties entries() throws IOException {
        if (entries == null) {
            Properties read = new Properties();
            try (Reader reader = Files.newBufferedReader(file)) {
                read.load(reader);
            }
            entries = read;
        }
        return entries;
    }
}
