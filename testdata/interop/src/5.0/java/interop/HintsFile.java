package interop;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/** A hints file's descriptor, its whole blocks, and what is behind them (FORMATS.md 10.4). */
final class HintsFile {
    /** Its two numbers, of which one is the length of what is stored: the second, or the first if Apache's encryption is used. */
    record Block(int first, int second, byte[] stored) {}

    final int version;
    final byte[] json;
    final List<Block> blocks = new ArrayList<>();
    final byte[] tail;
    private final byte[] start;

    HintsFile(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        start = new byte[28];
        bytes.get(start);
        version = ByteBuffer.wrap(start).getInt();
        json = new byte[bytes.getInt()];
        bytes.getInt();
        bytes.get(json);
        if (bytes.getInt() != descriptorCrcs(json)[1]) throw new IOException("the descriptor of " + file + " has another CRC");
        boolean encrypted = parameters().containsKey("encryption");
        while (bytes.remaining() >= 8) {
            int first = bytes.getInt(bytes.position());
            int second = bytes.getInt(bytes.position() + 4);
            int length = encrypted ? first : second;
            if (length <= 0 || length > bytes.remaining() - 8) break;
            byte[] stored = new byte[length];
            bytes.position(bytes.position() + 8);
            bytes.get(stored);
            blocks.add(new Block(first, second, stored));
        }
        tail = new byte[bytes.remaining()];
        bytes.get(tail);
    }

    Map<?, ?> parameters() throws IOException {
        return SystemCipher.JSON.readValue(json, Map.class);
    }

    byte[] plaintext(Block block, SystemCipher cipher) throws IOException {
        if (!parameters().containsKey("encryption")) return cipher.open(block.stored(), block.first());
        // As in a section of the commit log, of which this is one block; but nothing says how long it is.
        return cipher.opened(ByteBuffer.allocate(8 + block.stored().length).putInt(block.first()).putInt(block.second())
                .put(block.stored()).array(), 0);
    }

    /** The same blocks under another descriptor, without the tail. */
    byte[] rewritten(Map<?, ?> parameters, SystemCipher old, SystemCipher other) throws IOException {
        byte[] newJson = SystemCipher.JSON.writeValueAsString(parameters).getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        DataOutputStream output = new DataOutputStream(file);
        output.write(start);
        output.writeInt(newJson.length);
        output.writeInt(descriptorCrcs(newJson)[0]);
        output.write(newJson);
        output.writeInt(descriptorCrcs(newJson)[1]);
        for (Block block : blocks) {
            byte[] plaintext = plaintext(block, old);
            byte[] stored = other.seal(plaintext);
            if (!parameters().containsKey("encryption")) {
                output.writeInt(plaintext.length);
                output.writeInt(stored.length);
            }
            output.write(stored);
        }
        return file.toByteArray();
    }

    /** Up to the length, and up to the end. Longs are fed as their low and their high half. */
    private int[] descriptorCrcs(byte[] text) {
        ByteBuffer fields = ByteBuffer.wrap(start);
        ByteBuffer fed = ByteBuffer.allocate(32).putInt(fields.getInt());
        while (fields.hasRemaining()) {
            long value = fields.getLong();
            fed.putInt((int) value).putInt((int) (value >>> 32));
        }
        CRC32 crc = new CRC32();
        crc.update(fed.putInt(text.length).flip());
        int first = (int) crc.getValue();
        crc.update(text);
        return new int[] {first, (int) crc.getValue()};
    }
}
