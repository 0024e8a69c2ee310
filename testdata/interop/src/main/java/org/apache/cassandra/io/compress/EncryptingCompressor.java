package org.apache.cassandra.io.compress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A compressor followed by an {@link Encryptor}: each stage writes the length of its input, as a
 * big-endian int, before its output.
 *
 * <p>Written from FORMATS.md 4.1, like the Encryptor without a look at the Rust engine.
 */
abstract class EncryptingCompressor implements ICompressor {
    private static final int LENGTH = Integer.BYTES;

    private final ICompressor compressor;
    private final Encryptor encryptor;

    EncryptingCompressor(ICompressor compressor, Map<String, String> options) {
        this.compressor = compressor;
        Map<String, String> rest = new HashMap<>(options);
        rest.keySet().removeAll(compressor.supportedOptions());
        encryptor = Encryptor.create(rest);
    }

    /** The options of the map that a compressor of this kind knows. */
    static Map<String, String> only(Map<String, String> options, String prefix) {
        Map<String, String> own = new HashMap<>(options);
        own.keySet().removeIf(name -> !name.startsWith(prefix));
        return own;
    }

    @Override
    public int initialCompressedBufferLength(int chunkLength) {
        int compressed = compressor.initialCompressedBufferLength(chunkLength) + LENGTH;
        return encryptor.initialCompressedBufferLength(compressed) + LENGTH;
    }

    @Override
    public void compress(ByteBuffer input, ByteBuffer output) throws IOException {
        int length = input.remaining();
        ByteBuffer direct = copy(input, length);
        ByteBuffer compressed = ByteBuffer.allocateDirect(compressor.initialCompressedBufferLength(length));
        compressor.compress(direct, compressed);
        compressed.flip();
        ByteBuffer stage = ByteBuffer.allocate(LENGTH + compressed.remaining());
        stage.putInt(length).put(compressed);
        stage.flip();
        output.putInt(stage.remaining());
        encryptor.compress(stage, output);
    }

    @Override
    public void uncompress(ByteBuffer input, ByteBuffer output) throws IOException {
        output.put(decode(input));
    }

    @Override
    public int uncompress(byte[] input, int inputOffset, int inputLength, byte[] output, int outputOffset)
            throws IOException {
        ByteBuffer decoded = decode(ByteBuffer.wrap(input, inputOffset, inputLength));
        int length = decoded.remaining();
        decoded.get(output, outputOffset, length);
        return length;
    }

    private ByteBuffer decode(ByteBuffer chunk) throws IOException {
        ByteBuffer stage = ByteBuffer.allocate(chunk.getInt());
        encryptor.uncompress(chunk, stage);
        if (stage.hasRemaining()) throw new IOException("the Encryptor gave fewer bytes than the chunk says");
        stage.flip();
        ByteBuffer plaintext = ByteBuffer.allocateDirect(stage.getInt());
        compressor.uncompress(copy(stage, stage.remaining()), plaintext);
        if (plaintext.hasRemaining()) throw new IOException("the chunk is shorter than it says");
        plaintext.flip();
        return plaintext;
    }

    private static ByteBuffer copy(ByteBuffer from, int length) {
        ByteBuffer direct = ByteBuffer.allocateDirect(length);
        direct.put(from);
        direct.flip();
        return direct;
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
        Set<String> all = new TreeSet<>(encryptor.supportedOptions());
        all.addAll(compressor.supportedOptions());
        return all;
    }
}
