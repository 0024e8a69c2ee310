package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * Commands from standard input, one a line, fields separated by tabs: the command's name, then {@code key=value}.
 *
 * <p>Every command prints one line {@code RESULT id=... status=ok|failed ...}. With {@code expect=failure} a
 * command is ok when, and only when, it fails. A failed command does not stop the batch.
 */
final class Batch {
    /** Does one command, and adds what it found out to the result. */
    interface Work {
        void run(Command command, Result result) throws Exception;
    }

    private Batch() {}

    /** Runs all of them; whether all were ok. */
    static boolean run(Work work) throws IOException {
        boolean allOk = true;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine())
            if (!line.isBlank()) allOk &= run(Command.parse(line), work);
        return allOk;
    }

    private static boolean run(Command command, Work work) {
        boolean failureExpected = command.optional("expect", "success").equals("failure");
        Result result = new Result(command.optional("id", command.name));
        boolean succeeded;
        try {
            work.run(command, result);
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

    private static String summary(Throwable e) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (text.length() > 0) text.append(" <- ");
            text.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage());
        }
        return text.toString().replaceAll("\\s+", " ");
    }
}
