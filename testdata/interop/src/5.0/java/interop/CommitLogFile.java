package interop;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;

/** A commit log's header, its whole sections, and what is behind them (FORMATS.md 10.1, 10.2). */
final class CommitLogFile {
    static final int MARKER = 2 * Integer.BYTES;

    /** Where its marker is, and what is stored behind that and the plain length. */
    record Section(int position, int plainLength, byte[] stored) {}

    final int version;
    final long id;
    final byte[] json;
    final int headerLength;
    /** Whether there is more than the header and zeros where the first marker would be. */
    final boolean begun;
    final List<Section> sections = new ArrayList<>();
    /** Where the last whole section ends. */
    final int end;
    /** Whether anything but zeros follows. */
    final boolean torn;

    CommitLogFile(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        version = bytes.getInt();
        id = bytes.getLong();
        json = new byte[Short.toUnsignedInt(bytes.getShort())];
        bytes.get(json);
        if (bytes.getInt() != headerCrc(json)) throw new IOException("the header of " + file + " has another CRC");
        headerLength = bytes.position();
        begun = bytes.remaining() >= MARKER && bytes.getLong(headerLength) != 0;
        int position = headerLength;
        while (true) {
            int next = next(bytes, position);
            if (next < 0) break;
            byte[] stored = new byte[next - position - MARKER - Integer.BYTES];
            bytes.position(position + MARKER);
            int plainLength = bytes.getInt();
            bytes.get(stored);
            sections.add(new Section(position, plainLength, stored));
            position = next;
        }
        end = position;
        boolean more = false;
        for (int i = end; i < bytes.limit(); i++) more |= bytes.get(i) != 0;
        torn = more;
    }

    /** Where the section at a position ends; negative if there is no whole one. */
    private int next(ByteBuffer bytes, int position) {
        if (position + MARKER + Integer.BYTES > bytes.limit()) return -1;
        int next = bytes.getInt(position);
        boolean fits = next >= position + MARKER + Integer.BYTES && next <= bytes.limit();
        return fits && bytes.getInt(position + Integer.BYTES) == markerCrc(position) ? next : -1;
    }

    Map<?, ?> parameters() throws IOException {
        return SystemCipher.JSON.readValue(json, Map.class);
    }

    /**
     * The plaintexts of the sections. The last one may be damaged, if this is the last segment of all, as for a node: then
     * it is left out.
     */
    List<byte[]> plaintexts(SystemCipher cipher, boolean lastOfAll) throws IOException {
        List<byte[]> plaintexts = new ArrayList<>();
        for (Section section : sections) {
            try {
                plaintexts.add(cipher.open(section.stored(), section.plainLength()));
            } catch (IOException | RuntimeException e) {
                if (!lastOfAll || plaintexts.size() + 1 < sections.size()) throw e;
            }
        }
        return plaintexts;
    }

    /**
     * The same sections under another header, which is filled up with blanks to the length of the old one, or, as nobody
     * may, left as short as it is. Behind the last whole section there is nothing, since nobody can read that.
     */
    byte[] rewritten(Map<?, ?> parameters, boolean asLong, List<byte[]> plaintexts, SystemCipher cipher) throws IOException {
        byte[] newJson = SystemCipher.JSON.writeValueAsString(new TreeMap<>(parameters)).getBytes(StandardCharsets.UTF_8);
        if (asLong) newJson = filledUp(newJson);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        DataOutputStream output = new DataOutputStream(file);
        output.writeInt(version);
        output.writeLong(id);
        output.writeShort(newJson.length);
        output.write(newJson);
        output.writeInt(headerCrc(newJson));
        for (byte[] plaintext : plaintexts) {
            byte[] stored = cipher.seal(plaintext);
            int position = output.size();
            output.writeInt(position + MARKER + Integer.BYTES + stored.length);
            output.writeInt(markerCrc(position));
            output.writeInt(plaintext.length);
            output.write(stored);
        }
        return file.toByteArray();
    }

    private byte[] filledUp(byte[] newJson) throws IOException {
        if (newJson.length > json.length) throw new IOException("the new header is longer than the old one");
        byte[] filled = new byte[json.length];
        Arrays.fill(filled, (byte) ' ');
        System.arraycopy(newJson, 0, filled, 0, newJson.length - 1);
        filled[filled.length - 1] = '}';
        return filled;
    }

    private int headerCrc(byte[] text) {
        CRC32 crc = new CRC32();
        crc.update(ByteBuffer.allocate(16).putInt(version).putInt((int) id).putInt((int) (id >>> 32)).putInt(text.length)
                .flip());
        crc.update(text);
        return (int) crc.getValue();
    }

    private int markerCrc(int position) {
        CRC32 crc = new CRC32();
        crc.update(ByteBuffer.allocate(12).putInt((int) id).putInt((int) (id >>> 32)).putInt(position).flip());
        return (int) crc.getValue();
    }
}
