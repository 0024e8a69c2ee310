package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.apache.cassandra.db.rows.UnfilteredRowIterator;
import org.apache.cassandra.io.sstable.SSTableTxnWriter;

/** {@code write data= keyspace= table= compression= [rows=] [blob=] [sstables=]}. */
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
                writer.finish(false);
            }
        }
        result.put("sstables", sstables);
        result.put("folder", folder);
    }

    /** A table id that depends on nothing but the name, so that a set's folder is the same every time. */
    private static UUID tableId(String keyspace, String table) {
        UUID random = UUID.nameUUIDFromBytes((keyspace + "." + table).getBytes());
        long version1 = random.getMostSignificantBits() & ~0xf000L | 0x1000L;
        return new UUID(version1, random.getLeastSignificantBits());
    }
}
