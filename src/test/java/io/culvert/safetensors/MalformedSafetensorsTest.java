package io.culvert.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.culvert.CulvertException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MalformedSafetensorsTest {
    @TempDir
    Path folder;

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("bad.safetensors"), bytes);
    }

    private static byte[] bytes(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private static void read(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            for (StoredTensor tensor : SafetensorsFile.map(path, arena).tensors()) {
                tensor.toDoubles();
            }
        }
    }

    private void assertFault(byte[] bytes, String fault) throws IOException {
        Path path = file(bytes);
        assertThatThrownBy(() -> read(path))
                .isInstanceOfSatisfying(
                        CulvertException.class, e -> assertThat(e.kind()).isEqualTo(CulvertException.Kind.DATA))
                .hasMessageStartingWith(path + ": not a valid safetensors file: ")
                .hasMessageContaining(fault);
    }

    /** A header (with ' for ") and how many bytes of data follow it. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]                                                                 | 0 | no JSON object",
                "{'a':                                                              | 0 | no valid JSON",
                "{} {}                                                              | 0 | no valid JSON",
                "``                                                                 | 0 | header is empty",
                "{'a':1}                                                            | 0 | expected an object of dtype",
                "{'a':{'dtype':'F32','shape':[1]}}                                  | 4 | expected an object of dtype",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'x':1}}       | 4 | expected an object of dtype",
                "{'a':{'dtype':'F99','shape':[1],'data_offsets':[0,4]}}             | 4 | dtype \"F99\" is none of",
                "{'a':{'dtype':7,'shape':[1],'data_offsets':[0,4]}}                 | 4 | dtype 7 is none of",
                "{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,4]}}           | 4 | shape [1.5]",
                "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}}            | 4 | shape [-1]",
                "{'a':{'dtype':'F32','shape':1,'data_offsets':[0,4]}}               | 4 | shape 1 is no list",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}               | 4 | are not [begin, end]",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}}             | 4 | are not [begin, end]",
                "{'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,4]}} | 4 | no list of sizes",
                "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,4]}} | 4 | overflows",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}             | 4 | F32[2] needs 8 bytes",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}             | 7 | truncated: the tensors need 8",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}             | 9 | 1 bytes follow the last",
                "{'a':{'dtype':'U8','shape':[2],'data_offsets':[1,3]}}              | 3 | leaving a hole from 0",
                "{'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'b':{'dtype':'U8','shape':[2],'data_offsets':[1,3]}}"
                        + " | 3 | inside the tensor before it",
                "{'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},'a':{'dtype':'U8','shape':[2],'data_offsets':[2,4]}}"
                        + " | 4 | no valid JSON: Duplicate",
                "{'':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}               | 1 | empty name",
                "{'__metadata__':3}                                                 | 0 | __metadata__ is no JSON object",
                "{'__metadata__':{'a':3}}                                           | 0 | __metadata__: 'a' is no string",
            })
    void namesTheFault(String header, int dataBytes, String fault) throws IOException {
        assertFault(bytes(header.replace('\'', '"'), dataBytes), fault);
    }

    @Test
    void checksTheHeaderLength() throws IOException {
        assertFault(new byte[7], "is 7 bytes long");
        assertFault(new byte[0], "is 0 bytes long");
        byte[] huge = new byte[64];
        Arrays.fill(huge, (byte) 0xff);
        assertFault(huge, "header length 18446744073709551615 exceeds 100000000");
        byte[] cut = Arrays.copyOf(bytes("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1), 20);
        assertFault(cut, "truncated: the header has");
    }

    @Test
    void rejectsANameThatIsNoUtf8() throws IOException {
        byte[] bytes = bytes("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
        bytes[10] = (byte) 0xff;
        assertFault(bytes, "no valid JSON");
    }

    @Test
    void survivesDeepNestingAsAFault() throws IOException {
        assertFault(bytes("{\"a\":" + "[".repeat(100_000), 0), "no valid JSON");
    }

    /** Whatever bytes are damaged, reading either works or says which file is bad: no other exception, no crash. */
    @Test
    void anyDamageIsADataErrorOrHarmless() throws IOException {
        byte[] good = Files.readAllBytes(Path.of("test/resources/safetensors/reference.safetensors"));
        Random random = new Random(1);
        int rejected = 0;
        for (int round = 0; round < 3000; round++) {
            byte[] bad = random.nextInt(4) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            for (int hits = random.nextInt(4); hits > 0 && bad.length > 0; hits--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            Path path = file(bad);
            try {
                read(path);
            } catch (CulvertException e) {
                rejected++;
                assertThat(e.getMessage()).startsWith(path.toString());
            }
        }
        assertThat(rejected).isGreaterThan(1000);
        assertThatCode(() -> read(file(good))).doesNotThrowAnyException();
    }
}
