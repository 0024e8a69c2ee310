package interop;

import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.cassandra.service.StorageService;

/**
 * Starts a real node, writes and deletes at random in a few rows, over several SSTables that are not
 * compacted, and writes down what CQL shows of them at the end, and when: {@code FOLDER FORMAT SEED EXPECTED}.
 *
 * <p>Timestamps are few, so that most things meet others of their own time.
 */
public final class RowsMain {
    private static final String TABLE = "rk.mixed";
    private static final int STEPS = 5;
    private static final int STATEMENTS = 70;

    private final Random random;

    private RowsMain(long seed) {
        random = new Random(seed);
    }

    public static void main(String[] args) {
        boolean ok = false;
        try {
            new RowsMain(Long.parseLong(args[2])).run(Path.of(args[0]), args[1], Path.of(args[3]));
            ok = true;
        } catch (Throwable e) {
            // A node that does not start may throw anything.
            e.printStackTrace();
        }
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private void run(Path folder, String format, Path expected) throws Exception {
        RunningNode.run(folder, format, session -> writeAndRead(session, expected), "auto_snapshot: false");
    }

    private void writeAndRead(Session session, Path expected) throws Exception {
        session.execute("CREATE KEYSPACE rk WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        session.execute("CREATE TABLE " + TABLE + " (pk text, a int, b text, s text static, v text, n int,"
                + " m map<text, text>, t set<text>, f frozen<map<text, text>>, PRIMARY KEY (pk, a, b))"
                + " WITH CLUSTERING ORDER BY (a DESC, b ASC)"
                + " AND compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}");
        for (int step = 0; step < STEPS; step++) {
            for (int i = 0; i < STATEMENTS; i++) session.execute(statement());
            StorageService.instance.forceKeyspaceFlush("rk");
        }
        // What ends after a second has ended by then.
        Thread.sleep(3000);
        long now = System.currentTimeMillis() / 1000;
        List<String> rows = new ArrayList<>();
        for (Row row : session.execute("SELECT JSON * FROM " + TABLE)) rows.add("    " + row.getString(0));
        Files.writeString(expected,
                "{\n  \"now\": " + now + ",\n  \"rows\": [\n" + String.join(",\n", rows) + "\n  ]\n}\n");
    }

    private String statement() {
        String row = partition() + " AND a = " + a() + " AND b = " + b();
        switch (random.nextInt(16)) {
            case 0: case 1: case 2:
                return "INSERT INTO " + TABLE + " (pk, a, b, v, n) VALUES (" + pk() + ", " + a() + ", " + b() + ", "
                        + value() + ", " + random.nextInt(9) + ")" + at(60) + ttl();
            case 3:
                return "INSERT INTO " + TABLE + " (pk, a, b, f) VALUES (" + pk() + ", " + a() + ", " + b() + ", {'x': "
                        + value() + ", 'y': ''})" + at(60);
            case 4: case 5:
                return "UPDATE " + TABLE + at(60) + ttl() + " SET v = " + value() + row;
            case 6:
                return "UPDATE " + TABLE + at(60) + ttl() + " SET m = m + {" + key() + ": " + value() + "}, t = t + {"
                        + key() + "}" + row;
            case 7:
                return "UPDATE " + TABLE + at(60) + " SET m = {" + key() + ": " + value() + "}, t = {" + key() + "}" + row;
            case 8:
                return "DELETE v, m[" + key() + "] FROM " + TABLE + at(60) + row;
            case 9:
                return "DELETE m, n FROM " + TABLE + at(60) + row;
            case 10:
                return "DELETE FROM " + TABLE + at(50) + row;
            case 11:
                return "DELETE FROM " + TABLE + at(40) + partition() + " AND a = " + a() + range("b", b());
            case 12:
                return "DELETE FROM " + TABLE + at(40) + partition() + range("a", String.valueOf(a()));
            case 13:
                return "DELETE FROM " + TABLE + at(40) + partition() + " AND a >= " + a() + " AND a < " + a();
            case 14:
                return random.nextInt(3) > 0
                        ? "INSERT INTO " + TABLE + " (pk, s) VALUES (" + pk() + ", " + value() + ")" + at(60) + ttl()
                        : "DELETE s FROM " + TABLE + at(60) + partition();
            default:
                return "DELETE FROM " + TABLE + at(15) + partition();
        }
    }

    private String range(String column, String value) {
        String[] operators = {"=", "<", "<=", ">", ">="};
        return " AND " + column + " " + operators[random.nextInt(operators.length)] + " " + value;
    }

    private String partition() {
        return " WHERE pk = " + pk();
    }

    private String pk() {
        return "'p" + random.nextInt(4) + "'";
    }

    private int a() {
        return random.nextInt(5) - 2;
    }

    private String b() {
        return "'" + "xyz".charAt(random.nextInt(3)) + "'";
    }

    private String key() {
        return "'k" + random.nextInt(3) + "'";
    }

    private String value() {
        return "'" + random.nextInt(5) + "'";
    }

    private String at(int latest) {
        return " USING TIMESTAMP " + (1 + random.nextInt(latest));
    }

    /** None, a second, or years. */
    private String ttl() {
        int kind = random.nextInt(6);
        return kind == 0 ? " AND TTL 1" : kind == 1 ? " AND TTL 300000000" : "";
    }
}
