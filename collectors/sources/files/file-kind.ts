import { AppError } from "#platform/errors.ts";

export type Compression = "gzip" | "zstd";

/** What the first bytes of a file show: a compression that is read, or another kind of file, which is refused. */
type Kind = { compression: Compression } | { refused: string };

/** The first bytes of a file that are examined: a tar archive has its mark at byte 257. */
export const KIND_BYTES = 264;
const TAR = { mark: Buffer.from("ustar"), at: 257 };

const decompress = (name: string, tool: string): Kind => ({
  refused: `is compressed with ${name}, which cannot be read: decompress it (${tool} FILE), or compress it again with gzip or zstd`,
});
const ARCHIVE: Kind = {
  refused: "is an archive, which cannot be read: extract its files, and read those",
};

const MARKS: [Buffer, Kind][] = [
  [Buffer.of(0x1f, 0x8b, 0x08), { compression: "gzip" }],
  [Buffer.of(0x28, 0xb5, 0x2f, 0xfd), { compression: "zstd" }],
  [Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00), decompress("xz", "unxz --keep")],
  [Buffer.of(0x04, 0x22, 0x4d, 0x18), decompress("lz4", "unlz4 --keep")],
  [Buffer.of(0x02, 0x21, 0x4c, 0x18), decompress("lz4", "unlz4 --keep")],
  [Buffer.from("LZIP\x01"), decompress("lzip", "lzip --decompress --keep")],
  [Buffer.of(0x89, 0x4c, 0x5a, 0x4f, 0x00), decompress("lzop", "lzop --decompress")],
  [Buffer.of(0x1f, 0x9d), decompress("compress", "uncompress --keep")],
  [Buffer.from("\xff\x06\x00\x00sNaPpY", "latin1"), decompress("snappy", "snzip -dk")],
  [Buffer.from("PK\x03\x04"), ARCHIVE],
  [Buffer.from("PK\x05\x06"), ARCHIVE],
  [Buffer.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), ARCHIVE],
  [Buffer.from("Rar!\x1a\x07"), ARCHIVE],
];
/** After the level: the mark of the first block, or of the end of an empty file. */
const BZIP2 = { head: /^BZh[1-9]/, blocks: ["314159265359", "177245385090"] };
/** Kinds whose content has no mark, and archives that are compressed. */
const NAMES: [RegExp, Kind][] = [
  [/\.br$/i, decompress("Brotli", "brotli --decompress --keep")],
  [/\.lzma$/i, decompress("lzma", "unlzma --keep")],
  [/\.(?:tgz|tar\.\w{1,4})$/i, ARCHIVE],
];

/**
 * The compression of a file by its first bytes, whatever its name; by its name if they are damaged or missing.
 * @throws AppError for a kind that cannot be read, with what to do: its bytes are no lines
 */
export function compressionIn(first: Buffer, path: string): Compression | undefined {
  if (first.length === 0) return compressionOf(path);
  const kind = kindOf(first, path);
  if (kind && "refused" in kind) throw new RefusedFile(kind.refused);
  if (kind) return kind.compression;
  return isText(first) ? undefined : compressionOf(path);
}

/** The compression that the name of a file suggests. */
export function compressionOf(path: string): Compression | undefined {
  if (/\.gz$/i.test(path)) return "gzip";
  return /\.zst$/i.test(path) ? "zstd" : undefined;
}

/** A file whose content is not read; the message says what to do. */
export class RefusedFile extends AppError {
  constructor(message: string) {
    super("bad_request", message);
  }
}

const isBzip2 = (first: Buffer): boolean =>
  BZIP2.head.test(first.toString("latin1", 0, 4)) &&
  BZIP2.blocks.includes(first.toString("hex", 4, 10));

/** Whether there are no control characters but white space and escape sequences. */
const isText = (bytes: Buffer): boolean =>
  bytes.every((byte) => byte >= 0x20 || byte === 0x1b || (byte >= 0x09 && byte <= 0x0d));

function kindOf(first: Buffer, path: string): Kind | undefined {
  const named = NAMES.find(([pattern]) => pattern.test(path))?.[1];
  if (named) return named;
  if (isBzip2(first)) return decompress("bzip2", "bunzip2 --keep");
  if (first.subarray(TAR.at).indexOf(TAR.mark) === 0) return ARCHIVE;
  return MARKS.find(([mark]) => first.indexOf(mark) === 0)?.[1];
}
