package interop;

import com.datastax.driver.core.Row;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node, writes rows about other nodes into its own tables in several steps, each flushed and none
 * compacted, and writes down what CQL shows of them at the end: {@code FOLDER FORMAT STATEMENTS EXPECTED}, as
 * {@link SchemaMain} has them.
 */
public final class PeersMain {
    private static final String[] TABLES = {"system.peers", "system.peers_v2"};

    private PeersMain() {}

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
            StorageService.instance.disableAutoCompaction("system");
            for (String line : Files.readAllLines(statements)) {
                if (line.equals("--")) StorageService.instance.forceKeyspaceFlush("system");
                else if (!line.isBlank()) session.execute(line);
            }
            List<String> tables = new ArrayList<>();
            for (String table : TABLES) {
                List<String> rows = new ArrayList<>();
                for (Row row : session.execute("SELECT JSON * FROM " + table)) rows.add("    " + row.getString(0));
                tables.add("  \"" + table + "\": [\n" + String.join(",\n", rows) + "\n  ]");
            }
            Files.writeString(expected, "{\n" + String.join(",\n", tables) + "\n}\n");
        }, "auto_snapshot: false");
    }
}
