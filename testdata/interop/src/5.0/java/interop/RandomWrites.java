package interop;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Inserts, updates, deletions and batches over several tables, by a few threads at a time, each with rows of its own. What
 * is written follows from the seed; how the threads meet does not.
 */
final class RandomWrites implements AutoCloseable {
    private static final int ROWS = 40;

    private final Random random;
    private final Ledger ledger;
    /** No other seed has this one's partitions. */
    private final int seedPartition;
    private final Map<String, Integer> versions = new HashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    RandomWrites(long seed, int index, Ledger ledger) {
        random = new Random(seed);
        seedPartition = index * 100;
        this.ledger = ledger;
    }

    Random random() {
        return random;
    }

    /** Begins to write; each of the futures ends when a thread has all of its writes acknowledged. */
    List<Future<?>> begin(int most) {
        int count = 1 + random.nextInt(4);
        List<Future<?>> running = new ArrayList<>();
        for (int thread = 0; thread < count; thread++) {
            List<List<Write>> statements = new ArrayList<>();
            int writes = 1 + random.nextInt(most);
            for (int i = 0; i < writes; i++) statements.add(statement(thread));
            running.add(threads.submit(() -> {
                for (List<Write> statement : statements) execute(statement);
                return null;
            }));
        }
        return running;
    }

    static void waitFor(List<Future<?>> running) throws Exception {
        for (Future<?> one : running) one.get();
    }

    /** Nearly always one write. A batch in one partition is one mutation of several tables. */
    private List<Write> statement(int thread) {
        int partition = seedPartition + thread * 10 + random.nextInt(5);
        if (random.nextInt(12) > 0) return List.of(write(table(), partition));
        List<Write> batch = new ArrayList<>();
        for (String table : SystemTables.NAMES) if (random.nextBoolean()) batch.add(write(table, partition));
        return batch.isEmpty() ? List.of(write(table(), partition)) : batch;
    }

    private String table() {
        return SystemTables.NAMES.get(random.nextInt(SystemTables.NAMES.size()));
    }

    private Write write(String table, int partition) {
        int row = random.nextInt(ROWS);
        int version = versions.merge(table + ":" + partition + ":" + row, 1, Integer::sum);
        return new Write(table, partition, row, version, version > 1 && random.nextInt(4) == 0);
    }

    private void execute(List<Write> statement) throws Exception {
        long id = ledger.issued(statement);
        if (statement.size() == 1) {
            SystemNode.execute(statement.get(0).statement());
        } else {
            StringBuilder batch = new StringBuilder("BEGIN UNLOGGED BATCH ");
            for (Write write : statement) batch.append(write.statement()).append("; ");
            SystemNode.execute(batch + "APPLY BATCH");
        }
        ledger.acknowledged(id);
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
