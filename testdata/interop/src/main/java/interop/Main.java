package interop;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Runs a {@link Batch} of commands in one JVM, because starting Cassandra's classes takes seconds. The exit code
 * is 1 if any status is not ok.
 *
 * <p>The argument is the SSTable format that new SSTables get (see {@link Release#settings}).
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        if (args.length != 1) throw new IllegalArgumentException("usage: Main FORMAT < commands");
        Path settings = Settings.useFor(args[0]);
        Release.startOffline();
        boolean allOk = Batch.run(Main::dispatch);
        Settings.delete(settings);
        System.out.flush();
        // Cassandra leaves non-daemon threads running, so returning would not end the JVM.
        Runtime.getRuntime().halt(allOk ? 0 : 1);
    }

    private static void dispatch(Command command, Result result) throws IOException {
        switch (command.name) {
            case "write":
                WriteCommand.run(command, result);
                break;
            case "read":
                ReadCommand.run(command, result);
                break;
            case "names":
                NamesCommand.run(command);
                break;
            case "cleanup":
                CleanupCommand.run(command, result);
                break;
            default:
                throw new IllegalArgumentException("unknown command " + command.name);
        }
    }
}
