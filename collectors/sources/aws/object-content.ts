import { type ByteReader, plainReader } from "../files/byte-reader.ts";
import { CompressedReader } from "../files/compressed.ts";
import { compressionIn, KIND_BYTES, RefusedFile } from "../files/file-kind.ts";
import type { ObjectBytes } from "./object-bytes.ts";

const PART_BYTES = 256 * 1024;
/** Logs are compressed to a hundredth at most. An object that exceeds both is not read further. */
const EXPANSION_MAX = 250;
const EXPANDED_BYTES_MIN = 64 * 1024 * 1024;

/** The content of an object, decompressed if it is compressed. */
export type OpenContent = Disposable & {
  reader: ByteReader;
  compression: ReturnType<typeof compressionIn>;
};

/** @throws RefusedFile if it is of a kind that is not read, and while it is read if it is a bomb */
export async function openContent(bytes: ObjectBytes, key: string): Promise<OpenContent> {
  const first = Buffer.alloc(KIND_BYTES);
  const plain = plainReader(bytes);
  const compression = compressionIn(first.subarray(0, await plain.read(first, 0)), key);
  if (!compression) return { reader: plain, compression, [Symbol.dispose]: () => undefined };
  const unpacked = new CompressedReader(bytes, compression);
  const reader = limitedReader(unpacked, bytes.size);
  return { reader, compression, [Symbol.dispose]: () => unpacked.close() };
}

/**
 * The decompressed content in parts, each valid until the next one.
 * @throws RefusedFile if it is damaged or a bomb
 */
export async function* objectContent(
  bytes: ObjectBytes,
  key: string,
): AsyncGenerator<Buffer, void> {
  using content = await openContent(bytes, key);
  const part = Buffer.alloc(PART_BYTES);
  for (let at = 0, count = part.length; count === part.length; at += count) {
    count = await content.reader.read(part, at);
    yield part.subarray(0, count);
  }
  if (content.reader.damage !== undefined) throw new RefusedFile(content.reader.damage);
}

/** Fails when the content exceeds what logs of this compressed size can have. */
function limitedReader(reader: ByteReader, size: number): ByteReader {
  const bytesMax = Math.max(EXPANDED_BYTES_MIN, size * EXPANSION_MAX);
  return {
    get damage() {
      return reader.damage;
    },
    async read(into, at) {
      const count = await reader.read(into, at);
      if (at + count <= bytesMax) return count;
      const message = `expands to more than ${EXPANSION_MAX} times its size, as no log does: the rest of it is not read`;
      throw new RefusedFile(message);
    },
  };
}
