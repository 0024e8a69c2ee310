package interop;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.apache.cassandra.gms.FailureDetector;
import org.apache.cassandra.hints.HintFiles;
import org.apache.cassandra.io.util.File;
import org.apache.cassandra.locator.InetAddressAndPort;
import org.apache.cassandra.service.StorageProxy;
import org.apache.cassandra.service.StorageService;

/**
 * Hints for a peer that is down. {@code hint folder= peer= address= seed= files= [encrypted=yes]} waits for the peer, makes the
 * tables on both, kills the peer, and writes at random; hints are flushed and files of them closed at random. Then it kills
 * itself. {@code deliver folder= ledger= acknowledged= seconds=} is the peer that comes back: it waits until it has itself
 * all that was written.
 */
final class SystemHints {
    private static final int PATIENCE = 90;

    private SystemHints() {}

    static void write(Path folder, Command command) throws Exception {
        Path ledgerFile = folder.resolve("ledger");
        SystemNode.start(folder);
        // Not before: it would have another port.
        InetAddressAndPort peer = InetAddressAndPort.getByName(command.required("address"));
        if (command.optional("encrypted", "no").equals("yes")) HintFiles.encrypt();
        Path started = Path.of(command.required("peer")).resolve("started");
        until("the peer is there", PATIENCE, () -> Files.exists(started)
                && FailureDetector.instance.isAlive(peer)
                && StorageService.instance.getTokenMetadata().isMember(peer));
        UUID host = StorageService.instance.getHostIdForEndpoint(peer);
        SystemTables.create(2);
        until("the peer has the tables", PATIENCE, () -> StorageProxy.describeSchemaVersions(false).size() == 1);
        new ProcessBuilder("kill", "-9", Files.readString(started)).start().waitFor();
        until("the peer is down", PATIENCE, () -> !FailureDetector.instance.isAlive(peer));

        long seed = Long.parseLong(command.required("seed"));
        File open = null;
        long acknowledged = 0;
        long synced = 0;
        Random random = new Random(seed);
        try (Ledger ledger = new Ledger(ledgerFile)) {
            int files = command.number("files", 1);
            for (int i = 0; i < files; i++) {
                try (RandomWrites writes = new RandomWrites(seed + i, i, ledger)) {
                    int steps = 1 + random.nextInt(3);
                    for (int step = 0; step < steps; step++) {
                        RandomWrites.waitFor(writes.begin(20));
                        acknowledged = ledger.length();
                        open = HintFiles.flush(host);
                        synced = open.length();
                    }
                    // The last one is as it is when the node is killed.
                    if (i + 1 < files) HintFiles.close(host);
                }
            }
            // More that is not synced, of which something is on disk.
            try (RandomWrites writes = new RandomWrites(seed + files, files, ledger)) {
                RandomWrites.waitFor(writes.begin(20));
                HintFiles.flush(host);
                long length = open.length();
                if (length > synced + 1) {
                    try (RandomAccessFile file = new RandomAccessFile(open.toPath().toFile(), "rw")) {
                        file.setLength(synced + 1 + (long) (random.nextDouble() * (length - synced - 1)));
                    }
                }
            }
        }
        Files.writeString(folder.resolve("image.properties"), "acknowledged=" + acknowledged + "\n");
        SystemMain.killMyself();
    }

    static void deliver(Path folder, Command command, Result result) throws Exception {
        SystemNode.start(folder);
        long end = System.currentTimeMillis() + 1000L * command.number("seconds", PATIENCE);
        while (true) {
            try {
                Ledger.judge(Path.of(command.required("ledger")), Long.parseLong(command.required("acknowledged")), result);
                return;
            } catch (IllegalStateException notYet) {
                if (System.currentTimeMillis() > end) throw notYet;
                Thread.sleep(1000);
            }
        }
    }

    private static void until(String what, int seconds, Callable<Boolean> holds) throws Exception {
        for (int i = 0; i < seconds * 10; i++) {
            if (holds.call()) return;
            Thread.sleep(100);
        }
        throw new IllegalStateException("waited in vain until " + what);
    }
}
