package interop;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.io.sstable.SSTableTxnWriter;
import org.apache.cassandra.io.util.SequentialWriter;

/**
 * {@code write data= keyspace= table= compression= [rows=] [blob=] [sstables=] [flushes=]}. With {@code flushes}
 * each writer is told to flush so many times before it is finished, as a compaction does when it opens its
 * result early: the data is followed by as many empty chunks.
 */
final class WriteCommand {
    private WriteCommand() {}

    static void run(Command command, Result result) throws IOException {
        String keyspace = command.required("keyspace");
        String name = command.required("table");
        UUID id = tableId(keyspace, name);
        String folderName = name + "-" + id.toString().replace("-", "");
        Path folder = Files.createDirectories(Path.of(command.required("data"), keyspace, folderName)).toRealPath();
        int sstables = command.number("sstables", 3);

        Table table = Table.define(keyspace, name, id, Content.shape(), command.compression());
        Content content = new Content(table, command.number("rows", 1000), command.number("blob", 300), sstables);
        for (int sstable = 0; sstable < sstables; sstable++) {
            try (SSTableTxnWriter writer = Release.writer(table, folder, sstable + 1)) {
                for (UnfilteredRowIterator partition : content.partitions(sstable)) writer.append(partition);
                for (int i = 0; i < command.number("flushes", 0); i++) data(writer).sync();
                writer.finish(false);
            }
        }
        result.put("sstables", sstables);
        result.put("folder", folder);
    }

    /** Where a writer puts rows. No release lets anybody but its own compactions at it. */
    private static SequentialWriter data(SSTableTxnWriter writer) {
        Object sstable = field(field(writer, "writer"), "writer");
        try {
            return (SequentialWriter) field(sstable, "dataWriter");
        } catch (IllegalStateException before5) {
            return (SequentialWriter) field(sstable, "dataFile");
        }
    }

    private static Object field(Object of, String name) {
        for (Class<?> type = of.getClass(); type != null; type = type.getSuperclass()) {
            try {
                Field field = type.getDeclaredField(name);
                field.setAccessible(true);
                return field.get(of);
            } catch (NoSuchFieldException e) {
                continue;
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }
        throw new IllegalStateException(of.getClass() + " has no " + name);
    }

    /** A table id that depends on nothing but the name, so that a set's folder is the same every time. */
    private static UUID tableId(String keyspace, String table) {
        UUID random = UUID.nameUUIDFromBytes((keyspace + "." + table).getBytes());
        long version1 = random.getMostSignificantBits() & ~0xf000L | 0x1000L;
        return new UUID(version1, random.getLeastSignificantBits());
    }
}
