import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Writes messages sealed by Java's own ciphers, for every cipher that the database can use: all
 * key lengths, modes and paddings. One file, no dependency:
 *
 * <pre>java testdata/interop/CipherVectors.java > testdata/crypto/jce.txt</pre>
 */
public final class CipherVectors {
    private static final int[] LENGTHS = {
        0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 4095, 4096, 4097
    };
    private static final int SHOWN = 17;

    private static final String[] SUFFIXES = {
        "", "/ECB/PKCS5Padding", "/CBC/PKCS5Padding", "/PCBC/PKCS5Padding", "/CFB/PKCS5Padding",
        "/CFB/NoPadding", "/OFB/PKCS5Padding", "/OFB/NoPadding"
    };

    public static void main(String[] arguments) throws Exception {
        System.out.println("# Made by testdata/interop/CipherVectors.java with the JCE of Java "
            + Runtime.version().feature() + ".");
        System.out.println("# [algorithm strength]; then for each transformation: the message of " + SHOWN
            + " bytes, sealed; and the");
        System.out.println("# CRC-32 of the sealed messages of all lengths, one after the other: "
            + Arrays.toString(LENGTHS).replaceAll("[\\[\\],]", ""));
        System.out.println("# Byte i of a message is i * 31 + (i >> 8) * 7 + 5 mod 256.");
        for (int strength : new int[] {128, 192, 256}) section("AES", strength, strength / 8);
        section("DES", 56, 8);
        for (int strength : new int[] {112, 168}) section("DESede", strength, 24);
        for (int strength = 32; strength <= 448; strength += 8) section("Blowfish", strength, strength / 8);
        for (int strength = 40; strength <= 128; strength += 8) section("RC2", strength, strength / 8);
    }

    private static void section(String algorithm, int strength, int keyLength) throws Exception {
        byte[] key = bytes("key of " + algorithm + strength, keyLength);
        if (algorithm.equals("DESede") && strength == 112) System.arraycopy(key, 0, key, 16, 8);
        byte[] iv = bytes("iv of " + algorithm + strength, algorithm.equals("AES") ? 16 : 8);
        HexFormat hex = HexFormat.of();
        System.out.printf("%n[%s %d]%nkey = %s%niv = %s%n", algorithm, strength, hex.formatHex(key), hex.formatHex(iv));
        for (String suffix : SUFFIXES) {
            String transformation = algorithm + suffix;
            CRC32 all = new CRC32();
            for (int length : LENGTHS) all.update(seal(transformation, key, iv, length));
            System.out.printf("%s = %s %08x%n", transformation,
                hex.formatHex(seal(transformation, key, iv, SHOWN)), all.getValue());
        }
    }

    private static byte[] seal(String transformation, byte[] key, byte[] iv, int length) throws Exception {
        byte[] message = new byte[length];
        for (int i = 0; i < length; i++) message[i] = (byte) (i * 31 + (i >> 8) * 7 + 5);
        Cipher cipher = Cipher.getInstance(transformation);
        SecretKeySpec spec = new SecretKeySpec(key, transformation.split("/")[0]);
        if (transformation.matches(".*/(CBC|CFB|OFB|PCBC)/.*")) {
            cipher.init(Cipher.ENCRYPT_MODE, spec, new IvParameterSpec(iv));
        } else {
            cipher.init(Cipher.ENCRYPT_MODE, spec);
        }
        return cipher.doFinal(message);
    }

    private static byte[] bytes(String seed, int length) throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-512").digest(seed.getBytes(StandardCharsets.UTF_8));
        return Arrays.copyOf(hash, length);
    }
}
