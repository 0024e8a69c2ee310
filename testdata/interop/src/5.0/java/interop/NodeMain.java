package interop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.cassandra.db.Keyspace;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node on a folder, asks it one thing over CQL, and drains it. One node per JVM, so this
 * is a program of its own and its one command is the argument: {@code create} or {@code serve}, fields
 * as in a batch, separated by tabs.
 *
 * <p>{@code create folder= format= compression= [rows=] [blob=] [sstables=]} makes the table and
 * fills it; {@code serve folder= format= [rows=] [hash=] [sstables=]} reads all of it. Both print rows, hash
 * and SSTables, and {@code serve} fails if they are not the expected ones, or if the node left out one
 * of the SSTables in the table's folder.
 */
public final class NodeMain {
    private NodeMain() {}

    public static void main(String[] args) {
        Command command = Command.parse(args[0]);
        Result result = new Result(command.optional("id", command.name));
        boolean ok = false;
        try {
            run(command, result);
            ok = true;
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
            result.put("error", String.valueOf(e).replaceAll("\\s+", " "));
        }
        System.out.println(result.line(ok));
        System.out.flush();
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private static void run(Command command, Result result) throws Exception {
        Path folder = Path.of(command.required("folder"));
        RunningNode.run(folder, command.required("format"), session -> {
            NodeTable table = new NodeTable(session);
            if (command.name.equals("create")) create(command, table);
            else if (!command.name.equals("serve")) throw new IllegalArgumentException("unknown command " + command.name);
            table.readAll();
            report(command, result, folder, table);
        }, "auto_snapshot: false", "uuid_sstable_identifiers_enabled: true");
    }

    private static void create(Command command, NodeTable table) throws IOException {
        table.create(command.required("compression"));
        int sstables = command.number("sstables", 2);
        int rows = command.number("rows", 1000);
        for (int sstable = 0; sstable < sstables; sstable++) {
            table.fill(sstable, sstables, rows, command.number("blob", 300));
            StorageService.instance.forceKeyspaceFlush(NodeTable.KEYSPACE);
        }
    }

    private static void report(Command command, Result result, Path folder, NodeTable table) throws IOException {
        List<String> live = new ArrayList<>();
        Keyspace.open(NodeTable.KEYSPACE).getColumnFamilyStore(NodeTable.TABLE).getLiveSSTables()
                .forEach(sstable -> live.add(sstable.descriptor.baseFile().name()));
        live.sort(null);
        TableFolder tableFolder = TableFolder.under(folder.resolve("data"), NodeTable.KEYSPACE, NodeTable.TABLE);
        result.put("rows", table.rows());
        result.put("hash", table.hash());
        result.put("sstables", live.size());
        result.put("left", String.join(",", live));
        result.put("logs", tableFolder.transactionLogs().size());
        if (!live.equals(tableFolder.sstables()))
            throw new IllegalStateException("the node uses " + live + ", on disk are " + tableFolder.sstables());
        if (command.name.equals("serve")) result.expect(command, "rows", "hash", "sstables");
    }
}
