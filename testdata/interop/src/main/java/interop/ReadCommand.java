package interop;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.cassandra.db.ColumnFamilyStore;
import org.apache.cassandra.db.marshal.UTF8Type;
import org.apache.cassandra.io.sstable.Component;
import org.apache.cassandra.io.sstable.Descriptor;
import org.apache.cassandra.io.sstable.format.SSTableReader;

/**
 * {@code read data= keyspace= table= [rows=] [hash=] [sstables=] [as=node]}: opens every SSTable of a table folder with the database's own
 * reader, hashes its content, looks partitions and rows up through the indexes, and runs the extended
 * verifier. Fails if anything is wrong, or differs from the given row count, hash or number of SSTables. As a node does, it refuses SSTables
 * without a component that it needs, and rebuilds those that it can.
 */
final class ReadCommand {
    private ReadCommand() {}

    static void run(Command command, Result result) throws IOException {
        TableFolder folder = TableFolder.of(command);
        List<String> onDisk = folder.sstables();
        if (onDisk.isEmpty()) throw new IllegalStateException("no SSTables in " + folder.path);
        result.put("logs", folder.transactionLogs().size());

        Map<Descriptor, Set<Component>> listed = list(folder);
        if (listed.size() != onDisk.size())
            throw new IllegalStateException("the database lists " + listed.size() + " SSTables, on disk are " + onDisk);

        Table table = table(folder, SchemaOfSSTables.shape(listed.keySet()));
        ColumnFamilyStore store = table.store(folder.dataDirectory());
        boolean asNode = command.optional("as", "tool").equals("node");
        long rows = 0;
        long markers = 0;
        List<String> hashes = new ArrayList<>();
        for (Map.Entry<Descriptor, Set<Component>> sstable : listed.entrySet()) {
            SSTableReader reader = asNode
                    ? Release.openAsNode(store, sstable.getKey(), sstable.getValue())
                    : SSTableReader.openNoValidation(sstable.getKey(), sstable.getValue(), store);
            try {
                Release.verifyExtended(store, reader);
                SSTableScan scan = new SSTableScan(table, reader);
                scan.run();
                rows += scan.rows();
                markers += scan.markers();
                hashes.add(scan.hash());
            } finally {
                reader.selfRef().release();
            }
        }
        report(command, result, hashes, rows, markers);
        result.put("left", String.join(",", onDisk));
    }

    /** Sorted before hashing: a new SSTable id may change the order, which means nothing. */
    private static void report(Command command, Result result, List<String> hashes, long rows, long markers) {
        Collections.sort(hashes);
        ContentHash all = new ContentHash();
        for (String hash : hashes) all.addText(hash);
        String hash = all.finish();
        result.put("sstables", hashes.size());
        result.put("rows", rows);
        result.put("markers", markers);
        result.put("hash", hash);
        result.expect(command, "rows", "hash", "sstables");
    }

    /** Listing needs only the name and the id of the table, so any shape will do. */
    static Map<Descriptor, Set<Component>> list(TableFolder folder) {
        Shape anything = new Shape(UTF8Type.instance, List.of(), Collections.emptySortedMap(),
                                   Collections.emptySortedMap());
        return table(folder, anything).sstables(folder.dataDirectory());
    }

    private static Table table(TableFolder folder, Shape shape) {
        return Table.define(folder.keyspace, folder.table, folder.id, shape, Map.of());
    }
}
