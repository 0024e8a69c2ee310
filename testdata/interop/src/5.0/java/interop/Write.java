package interop;

import java.nio.ByteBuffer;
import java.util.Random;
import org.apache.cassandra.utils.ByteBufferUtil;

/** One version of a row: its content follows from its key and its number, so that nobody has to keep it. */
record Write(String table, int partition, int row, int version, boolean deletes) {
    /** What the ledger calls the row. */
    String key() {
        return table + ":" + partition + ":" + row;
    }

    /** As one word. */
    String text() {
        return key() + ":" + version + ":" + (deletes ? "d" : "w");
    }

    static Write parse(String text) {
        String[] parts = text.split(":");
        if (parts.length != 5) throw new IllegalArgumentException("not a write: " + text);
        return new Write(parts[0], Integer.parseInt(parts[1]), Integer.parseInt(parts[2]), Integer.parseInt(parts[3]),
                parts[4].equals("d"));
    }

    /** A later version has a later timestamp, and a deletion one that is later than all before. */
    String statement() {
        String where = SystemTables.KEYSPACE + "." + table;
        if (deletes)
            return "DELETE FROM " + where + " USING TIMESTAMP " + version + " WHERE p = " + partition + " AND c = " + row;
        return "INSERT INTO " + where + " (p, c, n, v) VALUES (" + partition + ", " + row + ", " + version + ", "
                + "0x" + ByteBufferUtil.bytesToHex(value()) + ") USING TIMESTAMP " + version;
    }

    /** Random bytes; most are few, some are more than 64 KiB. */
    ByteBuffer value() {
        Random random = new Random(key().hashCode() * 1_000_003L + version);
        int kind = random.nextInt(100);
        int length = kind < 70 ? random.nextInt(300)
                : kind < 90 ? random.nextInt(5_000)
                : kind < 97 ? random.nextInt(20_000)
                : 65_536 + random.nextInt(100_000);
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
    }
}
