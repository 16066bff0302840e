import { lastUnpacked } from "#collectors/packed/packed-documents.ts";
import type { RecordHeader } from "#collectors/source.ts";
import type { BusRecord } from "#pipeline/bus/port.ts";
import { Slices } from "#platform/slices.ts";

import { packLines } from "../packing/pack-lines.ts";
import type { PackTable } from "../packing/pack-table.ts";
import type { Block, Packer } from "../packing/packer.ts";

/** The events of a request with the same header: lines, and documents that are packed. */
export type Group = {
  header: RecordHeader;
  lines: Uint8Array[];
  blocks: Block[];
  /** Of lines and blocks. */
  events: number;
  bytes: number;
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
    const header = { ...group.header, ...(request && { request }) };
    const add = (part: Block | Buffer): void => void records.push(recordOf(header, part));
    // First: the indexer can use the memory of its module of plain lines only from the first row of a batch on.
    for (const block of group.blocks) add(block);
    for (const lines of partsOf(group.lines)) {
      const { packer, table } = packing();
      for (const part of isPackable(group) ? packLines(packer, table, lines) : [lines]) add(part);
      if (slices.isOver) await slices.pause();
    }
  }
  return records;
}

const recordOf = (header: RecordHeader, part: Block | Buffer): BusRecord =>
  "packed" in part
    ? { header: { ...header, packed: part.packed }, lines: part.bytes }
    : { header, lines: part };

/** Whether packing saves something. */
function isPackable({ header, blocks, events }: Group): boolean {
  const notPacked = blocks.reduce((rest, { count }) => rest - count, events);
  return header.message === "line" && header.identities === undefined && notPacked >= PACKED_MIN;
}

/** The lines in parts that end with a line. */
function* partsOf(lines: readonly Uint8Array[]): Generator<Buffer, void> {
  for (let at = 0, end = 0; at < lines.length; at = end) {
    end = at + LINES_AT_ONCE;
    while (end < lines.length && lines[end - 1]?.at(-1) !== LF) end += 1;
    const [first, ...others] = lines.slice(at, end);
    if (!first || others.length > 0) yield Buffer.concat(first ? [first, ...others] : []);
    else yield Buffer.from(first.buffer, first.byteOffset, first.length);
  }
}

/** The last lines as documents, for people. */
export function shownLines({ lines, blocks }: Group): readonly Uint8Array[] {
  const last = blocks.at(-1);
  return last ? [lastUnpacked(last.packed, last.bytes)] : lines;
}
