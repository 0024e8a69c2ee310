package interop;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One line of the batch. */
final class Command {
    private static final Pattern MAP_ENTRY = Pattern.compile("'([^']*)'\\s*:\\s*'([^']*)'");

    final String name;
    private final Map<String, String> fields;

    private Command(String name, Map<String, String> fields) {
        this.name = name;
        this.fields = fields;
    }

    static Command parse(String line) {
        String[] parts = line.split("\t");
        Map<String, String> fields = new LinkedHashMap<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 0) throw new IllegalArgumentException("not key=value: " + parts[i]);
            fields.put(parts[i].substring(0, equals), parts[i].substring(equals + 1));
        }
        return new Command(parts[0], fields);
    }

    String required(String field) {
        String value = fields.get(field);
        if (value == null) throw new IllegalArgumentException(name + " needs " + field + "=");
        return value;
    }

    String optional(String field, String otherwise) {
        return fields.getOrDefault(field, otherwise);
    }

    int number(String field, int otherwise) {
        return Integer.parseInt(optional(field, Integer.toString(otherwise)));
    }

    /** A CQL map of strings; the empty map switches compression off. */
    Map<String, String> compression() {
        Map<String, String> options = new LinkedHashMap<>();
        Matcher entries = MAP_ENTRY.matcher(required("compression"));
        while (entries.find()) options.put(entries.group(1), entries.group(2));
        return options;
    }
}
