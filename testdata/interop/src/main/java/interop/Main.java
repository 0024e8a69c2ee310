package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Runs a batch of commands in one JVM, because starting Cassandra's classes takes seconds.
 *
 * <p>Commands come from standard input, one a line, fields separated by tabs: the command's name, then
 * {@code key=value}. Every command prints one line {@code RESULT id=... status=ok|failed ...}. With
 * {@code expect=failure} a command is ok when, and only when, it fails. A failed command does not stop
 * the batch; the exit code is 1 if any status is not ok.
 *
 * <p>The argument is the SSTable format that new SSTables get (see {@link Release#settings}).
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        if (args.length != 1) throw new IllegalArgumentException("usage: Main FORMAT < commands");
        Path settings = Settings.useFor(args[0]);
        Release.startOffline();
        boolean allOk = true;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine())
            if (!line.isBlank()) allOk &= run(Command.parse(line));
        Settings.delete(settings);
        System.out.flush();
        // Cassandra leaves non-daemon threads running, so returning would not end the JVM.
        Runtime.getRuntime().halt(allOk ? 0 : 1);
    }

    private static boolean run(Command command) {
        boolean failureExpected = command.optional("expect", "success").equals("failure");
        Result result = new Result(command.optional("id", command.name));
        boolean succeeded;
        try {
            dispatch(command, result);
            succeeded = true;
        } catch (Throwable e) {
            // Not only exceptions: the database reports some damage with AssertionError.
            if (!failureExpected) e.printStackTrace();
            result.put("error", summary(e));
            succeeded = false;
        }
        boolean ok = succeeded != failureExpected;
        System.out.println(result.line(ok));
        return ok;
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

    private static String summary(Throwable e) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (text.length() > 0) text.append(" <- ");
            text.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage());
        }
        return text.toString().replaceAll("\\s+", " ");
    }
}
