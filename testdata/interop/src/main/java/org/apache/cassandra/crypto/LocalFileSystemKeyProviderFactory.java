package org.apache.cassandra.crypto;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** Makes providers for the key file that the option {@code secret_key_file} names. */
public final class LocalFileSystemKeyProviderFactory implements KeyProviderFactory {
    private static final String KEY_FILE = "secret_key_file";

    @Override
    public KeyProvider create(Map<String, String> options, String transformation, int strength) {
        String file = options.get(KEY_FILE);
        if (file == null) throw new IllegalArgumentException("the option " + KEY_FILE + " is missing");
        return new LocalFileSystemKeyProvider(Path.of(file), transformation, strength);
    }

    @Override
    public Set<String> supportedOptions() {
        return Set.of(KEY_FILE);
    }
}
