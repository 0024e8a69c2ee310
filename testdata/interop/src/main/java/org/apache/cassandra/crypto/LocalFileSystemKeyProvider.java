package org.apache.cassandra.crypto;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.Base64;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * Keys in a text file, one per line: {@code transformation:strength:base64} (FORMATS.md 6.1). Chunks
 * have no header.
 *
 * <p>Two differences from the database's provider, both so that a test can fail. The file is read
 * when a key is first needed by each Encryptor and never cached longer, so a deleted file is noticed
 * in the same JVM. And a missing key is made when something is written, never when it is read: a
 * reader that quietly makes a new key would report bad padding instead of a missing key.
 */
public final class LocalFileSystemKeyProvider implements KeyProvider {
    private final Path file;
    private final String transformation;
    private final int strength;
    private SecretKey key;

    LocalFileSystemKeyProvider(Path file, String transformation, int strength) {
        this.file = file;
        this.transformation = transformation;
        this.strength = strength;
    }

    @Override
    public int maxHeaderLength() {
        return 0;
    }

    @Override
    public synchronized SecretKey writeHeader(ByteBuffer output) throws IOException {
        // One lock for the class: two tables may share a file.
        synchronized (LocalFileSystemKeyProvider.class) {
            if (key == null && find() == null) append();
        }
        return readHeader(output);
    }

    @Override
    public synchronized SecretKey readHeader(ByteBuffer chunk) throws IOException {
        if (key == null) key = find();
        if (key == null) throw new IOException("no key " + name() + " in " + file);
        return key;
    }

    private String name() {
        return transformation + ":" + strength + ":";
    }

    /** The last line wins, as in the database. */
    private SecretKey find() throws IOException {
        if (!Files.exists(file)) return null;
        SecretKey found = null;
        for (String line : Files.readAllLines(file)) {
            if (!line.startsWith(name())) continue;
            byte[] bytes = Base64.getDecoder().decode(line.substring(name().length()));
            found = new SecretKeySpec(bytes, algorithm());
        }
        return found;
    }

    private void append() throws IOException {
        if (!Files.exists(file)) {
            if (file.getParent() != null) Files.createDirectories(file.getParent());
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        try {
            KeyGenerator generator = KeyGenerator.getInstance(algorithm());
            generator.init(strength);
            String encoded = Base64.getEncoder().encodeToString(generator.generateKey().getEncoded());
            Files.writeString(file, name() + encoded + System.lineSeparator(), StandardOpenOption.APPEND);
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot make a key for " + name(), e);
        }
    }

    private String algorithm() {
        return transformation.split("/")[0];
    }
}
