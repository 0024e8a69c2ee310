package interop;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import org.apache.cassandra.config.ParameterizedClass;
import org.apache.cassandra.io.compress.ICompressor;
import org.apache.cassandra.io.compress.LZ4Compressor;
import org.apache.cassandra.schema.CompressionParams;

/**
 * Opens and seals what is stored in a commit log or in a hints file, as its header says (FORMATS.md 10). Written for the
 * harness, apart from the database's readers and from the Rust engine, so that it can check either.
 */
abstract class SystemCipher {
    static final ObjectMapper JSON = new ObjectMapper();

    /** The plaintext of a section's or a block's stored bytes, which has this length or is not believed. */
    final byte[] open(byte[] stored, int length) throws IOException {
        byte[] plaintext = opened(stored, length);
        if (plaintext.length != length) throw new IOException("it has " + plaintext.length + " bytes instead of " + length);
        return plaintext;
    }

    abstract byte[] opened(byte[] stored, int length) throws IOException;

    abstract byte[] seal(byte[] plaintext) throws IOException;

    /** By a compressor's name and parameters: chunks of it. */
    static SystemCipher ofCompressor(String name, Map<String, String> parameters) {
        ICompressor compressor = CompressionParams.createCompressor(new ParameterizedClass(name, parameters));
        return new SystemCipher() {
            @Override
            byte[] opened(byte[] stored, int length) throws IOException {
                byte[] plaintext = new byte[length];
                int opened = compressor.uncompress(stored, 0, stored.length, plaintext, 0);
                return Arrays.copyOf(plaintext, opened);
            }

            @Override
            byte[] seal(byte[] plaintext) throws IOException {
                ByteBuffer output = ByteBuffer.allocate(compressor.initialCompressedBufferLength(plaintext.length));
                compressor.compress(ByteBuffer.wrap(plaintext), output);
                output.flip();
                byte[] stored = new byte[output.remaining()];
                output.get(stored);
                return stored;
            }
        };
    }

    /**
     * Apache's own, with {@code encCipher}, {@code encKeyAlias} and {@code encIV}: blocks of at most so many bytes, each
     * from the same IV.
     */
    static SystemCipher ofKeystore(Path keystore, String password, Map<?, ?> header, int most) throws IOException {
        String transformation = (String) header.get("encCipher");
        byte[] iv = HexFormat.of().parseHex((String) header.get("encIV"));
        LZ4Compressor lz4 = LZ4Compressor.create(Map.of());
        Key key = key(keystore, password, (String) header.get("encKeyAlias"));
        return new SystemCipher() {
            @Override
            byte[] opened(byte[] stored, int length) throws IOException {
                ByteArrayOutputStream plaintext = new ByteArrayOutputStream();
                ByteBuffer blocks = ByteBuffer.wrap(stored);
                while (blocks.hasRemaining()) {
                    byte[] encrypted = new byte[blocks.getInt()];
                    int compressedLength = blocks.getInt();
                    blocks.get(encrypted);
                    byte[] compressed = run(Cipher.DECRYPT_MODE, encrypted);
                    if (compressed.length != compressedLength) throw new IOException("a block has another length than it says");
                    byte[] block = new byte[ByteBuffer.wrap(compressed).getInt()];
                    lz4.uncompress(compressed, Integer.BYTES, compressedLength - Integer.BYTES, block, 0);
                    plaintext.write(block);
                }
                return plaintext.toByteArray();
            }

            @Override
            byte[] seal(byte[] plaintext) throws IOException {
                ByteArrayOutputStream blocks = new ByteArrayOutputStream();
                DataOutputStream output = new DataOutputStream(blocks);
                for (int start = 0, length; start < plaintext.length; start += length) {
                    length = Math.min(most, plaintext.length - start);
                    ByteBuffer direct = ByteBuffer.allocateDirect(length).put(plaintext, start, length).flip();
                    ByteBuffer compressed = ByteBuffer.allocateDirect(lz4.initialCompressedBufferLength(length));
                    lz4.compress(direct, compressed);
                    compressed.flip();
                    ByteBuffer block = ByteBuffer.allocate(Integer.BYTES + compressed.remaining());
                    block.putInt(length).put(compressed);
                    byte[] encrypted = run(Cipher.ENCRYPT_MODE, block.array());
                    output.writeInt(encrypted.length);
                    output.writeInt(block.capacity());
                    output.write(encrypted);
                }
                return blocks.toByteArray();
            }

            private byte[] run(int mode, byte[] bytes) throws IOException {
                try {
                    Cipher cipher = Cipher.getInstance(transformation);
                    cipher.init(mode, key, new IvParameterSpec(iv));
                    return cipher.doFinal(bytes);
                } catch (GeneralSecurityException e) {
                    throw new IOException("the key does not fit", e);
                }
            }
        };
    }

    static String newIv() {
        byte[] iv = new byte[16];
        new SecureRandom().nextBytes(iv);
        return HexFormat.of().formatHex(iv);
    }

    private static Key key(Path keystore, String password, String alias) throws IOException {
        try (InputStream input = Files.newInputStream(keystore)) {
            KeyStore store = KeyStore.getInstance("JCEKS");
            store.load(input, password.toCharArray());
            Key key = store.getKey(alias, password.toCharArray());
            if (key == null) throw new IOException("no key " + alias + " in " + keystore);
            return key;
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot open " + keystore, e);
        }
    }
}
