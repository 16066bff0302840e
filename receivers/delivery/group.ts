import { unpackedLine } from "#collectors/packed/packed-documents.ts";
import type { RecordHeader } from "#collectors/source.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";

import { packLines } from "../packing/pack-lines.ts";
import type { PackTable } from "../packing/pack-table.ts";
import type { Packer } from "../packing/packer.ts";

/** The events of a request with the same header. */
export type Group = {
  header: RecordHeader;
  lines: Uint8Array[];
  events: number;
  bytes: number;
  /** Of packed documents. More may be added at the end. */
  parts?: readonly string[];
};

const LF = 0x0a;
/** For fewer documents packing is not worth its time. */
const PACKED_MIN = 32;

/** The records of a group, whose documents are packed if that saves something. `request`: of the header; empty if it has none. */
export function recordsOf(
  { header, lines, events, parts }: Group,
  request: string,
  { packer, table }: { packer: Packer; table: PackTable },
): BusRecord[] {
  const about = { ...header, ...(request && { request }) };
  const all = lines.length === 1 && lines[0] ? lines[0] : Buffer.concat(lines);
  if (parts) return [{ header: { ...about, parts }, lines: all }];
  const isPackable = header.message === "line" && header.identities === undefined;
  if (!isPackable || events < PACKED_MIN) return [{ header: about, lines: all }];
  const bytes = Buffer.from(all.buffer, all.byteOffset, all.length);
  return packLines(packer, table, bytes).map((packed) => ({
    header: { ...about, ...(packed.parts && { parts: packed.parts }) },
    lines: Buffer.concat(packed.lines),
  }));
}

/** The last lines as documents, for people. */
export function shownLines({ lines, parts }: Group): readonly Uint8Array[] {
  const last = lines.at(-1);
  if (!parts || !last) return lines;
  const bytes = Buffer.from(last.buffer, last.byteOffset, last.length - 1);
  const start = bytes.lastIndexOf(LF) + 1;
  return [unpackedLine(parts, { bytes, start, end: bytes.length })];
}
