import type { EventReader, SearchRequest } from "./store/port.ts";

const PAGE_EVENTS = 2_000;
const LF = Buffer.from("\n");

type Request = Omit<SearchRequest, "limit" | "after">;
type Reader = Pick<EventReader, "original" | "originals">;
/** Whole lines with their LF, and the number of events that have no original line. */
type Exported = { bytes: Buffer; lines: number; missing: number };

/** The original lines of all matching events, oldest first, some at a time. */
export async function* originalLines(store: Reader, request: Request): AsyncGenerator<Exported> {
  let after: SearchRequest["after"];
  for (;;) {
    const page = await store.originals({ ...request, limit: PAGE_EVENTS, ...(after && { after }) });
    let held: Uint8Array[] = [];
    let missing = 0;
    for (const { id, line } of page) {
      // A page of very long lines would not fit into memory.
      const whole = line === undefined ? await store.original(id) : line;
      if (!whole) missing += 1;
      else held.push(whole, LF);
      if (line === undefined) {
        yield exported(held, 0);
        held = [];
      }
    }
    yield exported(held, missing);
    const last = page.at(-1);
    if (!last || page.length < PAGE_EVENTS) return;
    after = { tMs: last.tMs, id: last.id };
  }
}

const exported = (parts: readonly Uint8Array[], missing: number): Exported => ({
  bytes: Buffer.concat(parts),
  lines: parts.length / 2,
  missing,
});
