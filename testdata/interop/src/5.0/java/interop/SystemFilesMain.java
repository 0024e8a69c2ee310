package interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.cassandra.config.DatabaseDescriptor;

/**
 * The harness's own reader and writer of commit logs and hints, for a {@link Batch} of commands:
 *
 * <ul>
 * <li>{@code digest folder= [keystore= password=]}: what is in the files of the folder, and at which positions.
 * <li>{@code rekey folder= [from= to= [short=yes]] [keystore= password= alias=]}: under another key file or alias.
 * </ul>
 */
public final class SystemFilesMain {
    /** What chunk_length_kb says. */
    private static final int CHUNK = 64 * 1024;

    private SystemFilesMain() {}

    public static void main(String[] args) throws Exception {
        DatabaseDescriptor.clientInitialization();
        boolean ok = Batch.run(SystemFilesMain::dispatch);
        System.out.flush();
        Runtime.getRuntime().halt(ok ? 0 : 1);
    }

    private static void dispatch(Command command, Result result) throws IOException {
        List<Path> files;
        try (Stream<Path> found = Files.list(Path.of(command.required("folder")))) {
            files = found.filter(file -> file.toString().endsWith(".log") || file.toString().endsWith(".hints"))
                    .sorted().toList();
        }
        result.put("files", files.size());
        switch (command.name) {
            case "digest":
                digest(files, command, result);
                break;
            case "rekey":
                for (Path file : files) {
                    byte[] rewritten = isLog(file) ? rewriteLog(file, isLast(file, files), command) : rewriteHints(file, command);
                    // In place: a hard link in cdc_raw has the new bytes, too.
                    Files.write(file, rewritten);
                }
                break;
            default:
                throw new IllegalArgumentException("unknown command " + command.name);
        }
    }

    private static boolean isLog(Path file) {
        return file.toString().endsWith(".log");
    }

    /** A node does not count segments in which nothing was begun: a crash may come just after a new one was made. */
    private static boolean isLast(Path file, List<Path> files) throws IOException {
        for (Path later : files.subList(files.indexOf(file) + 1, files.size())) {
            if (isLog(later) && new CommitLogFile(later).begun) return false;
        }
        return true;
    }

    /** Positions are of the plaintext, as the database counts them, from the end of the header. */
    private static void digest(List<Path> files, Command command, Result result) throws IOException {
        MessageDigest digest = sha256();
        long parts = 0;
        long links = 0;
        for (Path file : files) {
            links += ((Number) Files.getAttribute(file, "unix:nlink")).longValue();
            digest.update(file.getFileName().toString().getBytes());
            if (isLog(file)) {
                CommitLogFile log = new CommitLogFile(file);
                SystemCipher cipher = cipher(log.parameters(), command);
                addNumber(digest, log.headerLength);
                for (byte[] plaintext : log.plaintexts(cipher, isLast(file, files))) {
                    addNumber(digest, plaintext.length);
                    digest.update(plaintext);
                    parts++;
                }
            } else {
                HintsFile hints = new HintsFile(file);
                SystemCipher cipher = cipher(hints.parameters(), command);
                for (HintsFile.Block block : hints.blocks) {
                    byte[] plaintext = hints.plaintext(block, cipher);
                    addNumber(digest, plaintext.length);
                    digest.update(plaintext);
                }
                parts += hints.blocks.size();
            }
        }
        result.put("parts", parts);
        result.put("links", links);
        result.put("hash", HexFormat.of().formatHex(digest.digest()));
        result.expect(command, "files", "parts", "hash");
    }

    private static byte[] rewriteLog(Path file, boolean lastOfAll, Command command) throws IOException {
        CommitLogFile log = new CommitLogFile(file);
        Map<?, ?> now = log.parameters();
        Map<Object, Object> then = new TreeMap<>(now);
        if (now.containsKey("encKeyAlias")) {
            rename(then, command);
        } else {
            then.computeIfPresent("compressionParameters", (key, value) -> moved((Map<?, ?>) value, command));
        }
        boolean asLong = !command.optional("short", "no").equals("yes");
        return log.rewritten(then, asLong, log.plaintexts(cipher(now, command), lastOfAll), cipher(then, command));
    }

    private static byte[] rewriteHints(Path file, Command command) throws IOException {
        HintsFile hints = new HintsFile(file);
        Map<?, ?> now = hints.parameters();
        Map<Object, Object> then = new TreeMap<>(now);
        then.computeIfPresent("encryption", (key, value) -> {
            Map<Object, Object> encryption = new TreeMap<>((Map<?, ?>) value);
            rename(encryption, command);
            return encryption;
        });
        then.computeIfPresent("compression", (key, value) -> {
            Map<Object, Object> compression = new TreeMap<>((Map<?, ?>) value);
            compression.computeIfPresent("parameters", (name, options) -> moved((Map<?, ?>) options, command));
            return compression;
        });
        return hints.rewritten(then, cipher(now, command), cipher(then, command));
    }

    private static void rename(Map<Object, Object> encryption, Command command) {
        encryption.put("encKeyAlias", command.required("alias"));
        encryption.put("encIV", SystemCipher.newIv());
    }

    /** A server's keys are not named, so without {@code from} nothing changes. */
    private static Map<?, ?> moved(Map<?, ?> options, Command command) {
        Map<Object, Object> moved = new TreeMap<>(options);
        moved.computeIfPresent("secret_key_file",
                (key, file) -> file.equals(command.required("from")) ? command.required("to") : file);
        return moved;
    }

    /** By a commit log's parameters, or by a hints file's. */
    @SuppressWarnings("unchecked")
    private static SystemCipher cipher(Map<?, ?> parameters, Command command) throws IOException {
        boolean isLog = parameters.containsKey("encKeyAlias");
        Object encryption = isLog ? parameters : parameters.get("encryption");
        // Hints are encrypted as they are gathered.
        if (encryption != null)
            return SystemCipher.ofKeystore(Path.of(command.required("keystore")), command.required("password"),
                    (Map<?, ?>) encryption, isLog ? CHUNK : Integer.MAX_VALUE);
        if (parameters.get("compression") instanceof Map<?, ?> hints)
            return SystemCipher.ofCompressor((String) hints.get("class_name"), (Map<String, String>) hints.get("parameters"));
        return SystemCipher.ofCompressor(
                (String) parameters.get("compressionClass"),
                new HashMap<>((Map<String, String>) parameters.get("compressionParameters")));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    private static void addNumber(MessageDigest digest, int value) {
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(value).flip());
    }
}
