package io.culvert.ranks;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Socket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A connection, and who is at its other end. Any thread may write, a message at a time; one thread reads.
 *
 * @param parcels that came and were not taken yet
 */
record Peer(int rank, Socket socket, DataInputStream in, DataOutputStream out, BlockingQueue<MemorySegment> parcels) {
    private static final int CHUNK_BYTES = 1 << 20;

    static Peer of(int rank, Socket socket) throws IOException {
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
        return new Peer(
                rank, socket, new DataInputStream(socket.getInputStream()), new DataOutputStream(socket.getOutputStream()),
                new LinkedBlockingQueue<>());
    }

    /** @param text null for a message without one */
    void say(int message, String text) throws IOException {
        synchronized (out) {
            out.write(message);
            if (text != null) {
                out.writeUTF(text);
            }
            out.flush();
        }
    }

    void say(int message, long number) throws IOException {
        synchronized (out) {
            out.write(message);
            out.writeLong(number);
            out.flush();
        }
    }

    void hand(int message, MemorySegment parcel) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, parcel.byteSize())];
        synchronized (out) {
            out.write(message);
            out.writeLong(parcel.byteSize());
            for (long done = 0; done < parcel.byteSize(); done += chunk.length) {
                int part = (int) Math.min(chunk.length, parcel.byteSize() - done);
                MemorySegment.copy(parcel, done, MemorySegment.ofArray(chunk), 0, part);
                out.write(chunk, 0, part);
            }
            out.flush();
        }
    }

    /** Reads the rest of a parcel and keeps it until it is taken. */
    void receive() throws IOException {
        long bytes = in.readLong();
        MemorySegment parcel = Arena.ofAuto().allocate(bytes);
        byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, bytes)];
        for (long done = 0; done < bytes; ) {
            int part = in.read(chunk, 0, (int) Math.min(chunk.length, bytes - done));
            if (part < 0) {
                throw new EOFException();
            }
            MemorySegment.copy(MemorySegment.ofArray(chunk), 0, parcel, done, part);
            done += part;
        }
        parcels.add(parcel);
    }

    void disconnect() {
        try {
            socket.close();
        } catch (IOException e) {
            // It is closed anyway.
        }
    }
}
