import type { PackTable } from "./pack-table.ts";
import type { Block, Packer } from "./packer.ts";

const LF = 0x0a;
const NO_ACTION = Buffer.alloc(0);

/**
 * The documents, each a valid one with a line end, packed as far as they can be: blocks, and lines that are not packed. Documents with
 * the same members keep their order.
 */
export function packLines(packer: Packer, table: PackTable, lines: Buffer): (Block | Buffer)[] {
  const packing = packer.open(table, lines);
  const found: (Block | Buffer)[] = [];
  let start = 0;
  const endLines = (end: number): void => {
    if (end > start) found.push(lines.subarray(start, end));
  };
  for (let at = 0; at < lines.length;) {
    const scanned = table.isUseful ? packing.pack(at) : undefined;
    if (scanned && scanned.count > 0) {
      endLines(at);
      found.push(...scanned.kinds.map((kind) => kind.block()));
      at = start = scanned.next;
      continue;
    }
    const end = lines.indexOf(LF, at) + 1 || lines.length;
    table.learn(NO_ACTION, lines.subarray(at, end - 1));
    at = end;
  }
  endLines(lines.length);
  return found;
}
