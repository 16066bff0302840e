import { unpackedLine } from "#collectors/packed/packed-documents.ts";
import type { RecordHeader } from "#collectors/source.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";
import { Slices } from "#platform/slices.ts";

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

/** Lines, and the line ends after them, that become a record at once: a moment's work. */
const LINES_AT_ONCE = 8_192;

type Packing = { packer: Packer; table: PackTable };

/**
 * The records of the groups, made in slices. `request`: of their headers; empty if it has none. `packing`: called again after a pause,
 * because other requests pack meanwhile.
 */
export async function recordsOfAll(
  groups: Iterable<Group>,
  request: string,
  packing: () => Packing,
): Promise<BusRecord[]> {
  const slices = new Slices();
  const records: BusRecord[] = [];
  for (const group of groups) {
    for (const part of partsOf(group)) {
      records.push(...recordsOf(part, request, packing()));
      if (slices.isOver) await slices.pause();
    }
  }
  return records;
}

/** The group in parts of lines that are whole. */
function* partsOf(group: Group): Generator<Group, void> {
  const { lines } = group;
  if (group.parts) {
    yield group;
    return;
  }
  for (let at = 0, end = 0; at < lines.length; at = end) {
    end = at + LINES_AT_ONCE;
    while (end < lines.length && lines[end - 1]?.at(-1) !== LF) end += 1;
    yield { ...group, lines: lines.slice(at, end) };
  }
}

/** The records of a group, whose documents are packed if that saves something. */
function recordsOf(
  { header, lines, events, parts }: Group,
  request: string,
  { packer, table }: Packing,
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
