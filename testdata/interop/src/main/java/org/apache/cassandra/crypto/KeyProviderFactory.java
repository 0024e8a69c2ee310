package org.apache.cassandra.crypto;

import java.util.Map;
import java.util.Set;

/** What the option {@code key_provider} names. */
public interface KeyProviderFactory {
    KeyProvider create(Map<String, String> options, String transformation, int strength);

    /** The options of the compression map that belong to the provider. */
    Set<String> supportedOptions();

    /**
     * Resolves the option's value. Files in the field have short names and full names in either of two
     * packages, and sometimes the provider instead of its factory, so only the last part counts.
     */
    static KeyProviderFactory named(String className) {
        if (className == null) throw new IllegalArgumentException("the option key_provider is missing");
        String simpleName = className.substring(className.lastIndexOf('.') + 1);
        switch (simpleName) {
            case "LocalFileSystemKeyProvider":
            case "LocalFileSystemKeyProviderFactory":
                return new LocalFileSystemKeyProviderFactory();
            case "KmipKeyProviderFactory":
                return new KmipKeyProviderFactory();
            default:
                throw new IllegalArgumentException("unknown key_provider " + className);
        }
    }
}
