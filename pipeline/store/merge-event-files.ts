import { type Duck, eventFilesSql, isOutOfMemory, quoted } from "./duck.ts";
import { syncFile, writeSafe } from "./files.ts";
import type { Statement } from "./filter-sql.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import {
  FOOTER_KEY,
  newestMs,
  oldestMs,
  type Segment,
  type SegmentFooter,
} from "./segment-footer.ts";

/** Concurrent sources may be this much out of order; that slows no query down. */
const OVERLAP_MS = 60_000;
const ROW_GROUP_ROWS = 122_880;
/** Of files with long texts. Readers have a row group in memory. */
const LONG_ROW_GROUP_BYTES = "16MiB";
const ZSTD = "COMPRESSION zstd, COMPRESSION_LEVEL 1";

type Merge = {
  /** Segments with events, and their files. */
  inputs: readonly Segment[];
  paths: readonly string[];
  /** The condition of the events that are kept. */
  stays: Statement;
  /** Of the new file. */
  footer: SegmentFooter;
  path: string;
};

/**
 * Merges the events of files into a new file, in the order of their time. Events with long texts, or with too
 * much text to be sorted within the memory limit, stay in the order of the files.
 */
export async function mergeEventFiles(
  duck: Duck,
  { inputs, paths, stays, footer, path }: Merge,
): Promise<void> {
  const json = JSON.stringify(footer);
  if (footer.rows === 0) {
    const { parts } = writeParquet([], 0, { [FOOTER_KEY]: json });
    await writeSafe(path, parts);
    return;
  }
  const events = `SELECT * FROM ${eventFilesSql(paths)} WHERE ${stays.text}`;
  const order = isInTimeOrder(inputs) ? "" : 'ORDER BY "@timestamp"';
  const target = `${quoted(path)} (FORMAT parquet, ${ZSTD}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS},
    KV_METADATA {${FOOTER_KEY}: ${quoted(json)}}`;
  const copyInOrder = (): Promise<void> => {
    const limited = `${target}, ROW_GROUP_SIZE_BYTES '${LONG_ROW_GROUP_BYTES}')`;
    return duck.copyInOrder(`COPY (${events}) TO ${limited}`, stays.parameters);
  };
  if (footer.hasLongRows) await copyInOrder();
  else {
    await duck
      .rows(`COPY (${events} ${order}) TO ${target})`, stays.parameters)
      .catch((error: unknown) => {
        if (!isOutOfMemory(error)) throw error;
        return copyInOrder();
      });
  }
  await syncFile(path);
}

/** Whether the segments follow each other in time, as those of one live source do; then no sorting is needed. */
function isInTimeOrder(segments: readonly Segment[]): boolean {
  return segments.every((segment, i) => {
    const before = segments[i - 1];
    return before === undefined || newestMs(before) <= oldestMs(segment) + OVERLAP_MS;
  });
}
