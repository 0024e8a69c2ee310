package org.apache.cassandra.crypto;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * Makes providers that write the KMIP key header, with a properties file instead of a key server.
 *
 * <p>The file is named by the system property {@value #FILE_PROPERTY}. It holds one line
 * {@code <key id> = <hex key>} for each key, and {@code write.<kmip_host> = <key id>} to say which
 * key new chunks of that group get; a real server would choose that key by its Locate operation.
 */
public final class KmipKeyProviderFactory implements KeyProviderFactory {
    public static final String FILE_PROPERTY = "interop.kmip";

    @Override
    public KeyProvider create(Map<String, String> options, String transformation, int strength) {
        String file = System.getProperty(FILE_PROPERTY);
        if (file == null) throw new IllegalStateException("the system property " + FILE_PROPERTY + " is not set");
        String algorithm = transformation.split("/")[0];
        return new KmipKeyProvider(Path.of(file), options.get("kmip_host"), algorithm);
    }

    @Override
    public Set<String> supportedOptions() {
        return Set.of("kmip_host", "template_name", "key_namespace");
    }
}
