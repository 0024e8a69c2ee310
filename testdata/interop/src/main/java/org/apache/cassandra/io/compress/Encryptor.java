package org.apache.cassandra.io.compress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.IvParameterSpec;
import org.apache.cassandra.crypto.KeyProvider;
import org.apache.cassandra.crypto.KeyProviderFactory;

/**
 * A "compressor" that encrypts each chunk: key header, IV if the mode has one, ciphertext.
 *
 * <p>Written from FORMATS.md 5 and on purpose without a look at the Rust engine, so that the two can
 * check each other. The name and the package are not free: SSTables store the simple class name only,
 * and Cassandra looks it up here.
 *
 * <p>A cipher object is made for each chunk. That is slower than keeping one per thread, but it cannot
 * repeat the known fault of encrypting with another key than the one named in the chunk's header.
 */
public final class Encryptor implements ICompressor {
    private static final Pattern MODES_WITH_IV = Pattern.compile(".*/(CBC|CFB|OFB|PCBC)/.*");
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Set<String> OWN_OPTIONS =
            Set.of("cipher_algorithm", "secret_key_strength", "iv_length", "key_provider",
                   "secret_key_provider_factory_class");

    private final String transformation;
    private final int ivLength;
    private final KeyProvider keys;
    private final Set<String> supportedOptions;

    private Encryptor(Map<String, String> options) {
        transformation = options.getOrDefault("cipher_algorithm", "AES/CBC/PKCS5Padding");
        int strength = Integer.parseInt(options.getOrDefault("secret_key_strength", "128"));
        ivLength = ivLength(transformation, Integer.parseInt(options.getOrDefault("iv_length", "-1")));
        KeyProviderFactory factory = KeyProviderFactory.named(
                options.getOrDefault("key_provider", options.get("secret_key_provider_factory_class")));
        keys = factory.create(options, transformation, strength);
        supportedOptions = new TreeSet<>(OWN_OPTIONS);
        supportedOptions.addAll(factory.supportedOptions());
    }

    /** The entry point that Cassandra calls by reflection. */
    public static Encryptor create(Map<String, String> options) {
        return new Encryptor(options);
    }

    private static int ivLength(String transformation, int configured) {
        if (!MODES_WITH_IV.matcher(transformation).matches()) return 0;
        if (configured > 0) return configured;
        return transformation.startsWith("AES/") ? 16 : 8;
    }

    @Override
    public int initialCompressedBufferLength(int chunkLength) {
        int padding = 16;
        return keys.maxHeaderLength() + ivLength + chunkLength + padding;
    }

    @Override
    public void compress(ByteBuffer input, ByteBuffer output) throws IOException {
        byte[] plaintext = new byte[input.remaining()];
        input.get(plaintext);
        byte[] iv = new byte[ivLength];
        RANDOM.nextBytes(iv);
        SecretKey key = keys.writeHeader(output);
        output.put(iv);
        output.put(run(Cipher.ENCRYPT_MODE, key, iv, plaintext));
    }

    @Override
    public void uncompress(ByteBuffer input, ByteBuffer output) throws IOException {
        output.put(decrypt(input));
    }

    @Override
    public int uncompress(byte[] input, int inputOffset, int inputLength, byte[] output, int outputOffset)
            throws IOException {
        byte[] plaintext = decrypt(ByteBuffer.wrap(input, inputOffset, inputLength));
        System.arraycopy(plaintext, 0, output, outputOffset, plaintext.length);
        return plaintext.length;
    }

    private byte[] decrypt(ByteBuffer chunk) throws IOException {
        SecretKey key = keys.readHeader(chunk);
        byte[] iv = new byte[ivLength];
        if (chunk.remaining() < iv.length) throw new IOException("chunk is too short for its IV");
        chunk.get(iv);
        byte[] ciphertext = new byte[chunk.remaining()];
        chunk.get(ciphertext);
        return run(Cipher.DECRYPT_MODE, key, iv, ciphertext);
    }

    private byte[] run(int mode, SecretKey key, byte[] iv, byte[] bytes) throws IOException {
        try {
            Cipher cipher = Cipher.getInstance(transformation);
            if (ivLength > 0) cipher.init(mode, key, new IvParameterSpec(iv));
            else cipher.init(mode, key);
            return cipher.doFinal(bytes);
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot " + (mode == Cipher.DECRYPT_MODE ? "decrypt" : "encrypt") + " a chunk", e);
        }
    }

    @Override
    public BufferType preferredBufferType() {
        return BufferType.ON_HEAP;
    }

    @Override
    public boolean supports(BufferType bufferType) {
        return true;
    }

    @Override
    public Set<String> supportedOptions() {
        return supportedOptions;
    }
}
