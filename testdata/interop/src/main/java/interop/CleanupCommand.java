package interop;

import java.io.IOException;
import org.apache.cassandra.db.lifecycle.Leftovers;

/**
 * {@code cleanup data= keyspace= table= [verdict=] [logs=] [left=]}: what a starting node does with transaction
 * logs. Prints the verdict, how many logs and which SSTables are left; fails if they are not as given.
 */
final class CleanupCommand {
    private CleanupCommand() {}

    static void run(Command command, Result result) throws IOException {
        TableFolder folder = TableFolder.of(command);
        result.put("logs_before", folder.transactionLogs().size());
        result.put("verdict", Leftovers.remove(folder.path));
        result.put("logs", folder.transactionLogs().size());
        result.put("left", String.join(",", folder.sstables()));
        result.expect(command, "verdict", "logs", "left");
    }
}
