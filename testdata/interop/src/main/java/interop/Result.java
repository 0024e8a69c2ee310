package interop;

import java.util.LinkedHashMap;
import java.util.Map;

/** The fields of one result line, in the order in which they were found out. */
final class Result {
    private final Map<String, Object> fields = new LinkedHashMap<>();
    private final String id;

    Result(String id) {
        this.id = id;
    }

    void put(String field, Object value) {
        fields.put(field, value);
    }

    /** Fails if the command gives one of these fields, and with another value than the one found. */
    void expect(Command command, String... names) {
        for (String name : names) {
            String found = String.valueOf(fields.get(name));
            String expected = command.optional(name, found);
            if (!expected.equals(found))
                throw new IllegalStateException("expected " + name + " " + expected + ", found " + found);
        }
    }

    /** Tab-separated like the commands, so that values may contain blanks. */
    String line(boolean ok) {
        StringBuilder line = new StringBuilder("RESULT\tid=" + id + "\tstatus=" + (ok ? "ok" : "failed"));
        fields.forEach((field, value) -> line.append('\t').append(field).append('=').append(value));
        return line.toString();
    }
}
