package interop;

import com.datastax.driver.core.Row;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node, makes the tables in which the replicated provider keeps its keys, changes their rows in
 * several steps, each flushed and none compacted, and writes down what CQL shows of them at the end:
 * {@code FOLDER FORMAT STATEMENTS EXPECTED}, as {@link SchemaMain} has them.
 */
public final class KeysMain {
    private static final String[] KEYSPACES = {"dse_system", "hcd_system"};

    private KeysMain() {}

    public static void main(String[] args) {
        boolean ok = false;
        try {
            run(Path.of(args[0]), args[1], Path.of(args[2]), Path.of(args[3]));
            ok = true;
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private static void run(Path where, String format, Path statements, Path expected) throws Exception {
        RunningNode.run(where, format, session -> {
            boolean made = false;
            for (String line : Files.readAllLines(statements)) {
                if (!made && line.startsWith("INSERT")) {
                    for (String keyspace : KEYSPACES) StorageService.instance.disableAutoCompaction(keyspace);
                    made = true;
                }
                if (line.equals("--")) flush();
                else if (!line.isBlank()) session.execute(line);
            }
            List<String> tables = new ArrayList<>();
            for (String keyspace : KEYSPACES) {
                List<String> rows = new ArrayList<>();
                String table = keyspace + ".encrypted_keys";
                for (Row row : session.execute("SELECT JSON * FROM " + table)) rows.add("    " + row.getString(0));
                tables.add("  \"" + table + "\": [\n" + String.join(",\n", rows) + "\n  ]");
            }
            Files.writeString(expected, "{\n" + String.join(",\n", tables) + "\n}\n");
        }, "auto_snapshot: false");
    }

    private static void flush() throws Exception {
        for (String keyspace : KEYSPACES) StorageService.instance.forceKeyspaceFlush(keyspace);
    }
}
