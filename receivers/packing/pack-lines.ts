import type { PackTable } from "./pack-table.ts";
import type { Packer } from "./packer.ts";

/** Lines that were packed with the same parts; none of them is packed if there are none. */
export type PackedLines = { parts: readonly string[] | undefined; lines: Uint8Array[] };

const LF = 0x0a;
const NO_ACTION = Buffer.alloc(0);

/** The lines, each a valid document with a line end, in their order, packed as far as they can be. */
export function packLines(packer: Packer, table: PackTable, lines: Buffer): PackedLines[] {
  const packing = packer.open(table, lines);
  let last: PackedLines = { parts: undefined, lines: [] };
  const found = [last];
  for (let at = 0; at < lines.length;) {
    const packed = table.isUseful ? packing.pack(at) : undefined;
    if (packed && packed.count > 0) {
      last.parts = table.parts;
      last.lines.push(Buffer.from(packed.lines));
      at = packed.next;
      continue;
    }
    const end = lines.indexOf(LF, at) + 1 || lines.length;
    const { version } = table;
    table.learn(NO_ACTION, lines.subarray(at, end - 1));
    // The lines before this one have parts that are forgotten.
    if (table.version !== version && last.parts) {
      last = { parts: undefined, lines: [] };
      found.push(last);
    }
    last.lines.push(lines.subarray(at, end));
    at = end;
  }
  return found;
}
