import { open } from "node:fs/promises";

import { readFooter } from "./parquet/read-footer.ts";
import {
  assertNotNewer,
  FOOTER_KEY,
  FOOTER_VERSION,
  type Segment,
  SegmentFooter,
} from "./segment-footer.ts";

/** @throws RangeError with the reason, for a file that is not a segment */
export async function readSegment(path: string): Promise<Segment> {
  await using file = await open(path, "r");
  const footer = await readFooter(file);
  const text = footer.metadata.get(FOOTER_KEY);
  if (text === undefined) throw new RangeError("it was not written by Quarterdeck");
  const value = parsedJson(text);
  assertNotNewer(value, { path, version: FOOTER_VERSION });
  const parsed = SegmentFooter.safeParse(value);
  if (!parsed.success) throw new RangeError(`its footer is damaged: ${parsed.error.message}`);
  if (parsed.data.rows !== footer.rows) throw new RangeError("the row counts of its footer differ");
  return { ...parsed.data, bytes: footer.fileBytes, checksums: undefined };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RangeError("its footer is not JSON", { cause: error });
  }
}
