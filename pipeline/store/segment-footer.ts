import { z } from "zod";

import type { Position, SourceId } from "#collectors/source.ts";
import { AppError } from "#platform/errors.ts";

import type { SegmentChecksums } from "./checksum.ts";
import { compareIds, isSegmentId, type SegmentId } from "./segment-id.ts";

/** Key of a segment's description in the metadata of its file. */
export const FOOTER_KEY = "quarterdeck";
export const FOOTER_VERSION = 1;

const Id = z.custom<SegmentId>((value) => typeof value === "string" && isSegmentId(value));
const Source = z.custom<SourceId>((value) => typeof value === "string" && value.startsWith("src_"));
const PositionValue: z.ZodType<Position> = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()]),
);

/** Rows and times (epoch ms, both inclusive) of a dataset. */
const ExtentValue = z.object({
  dataset: z.string(),
  rows: z.number(),
  fromMs: z.number(),
  toMs: z.number(),
});

/** Description of a segment. */
export const SegmentFooter = z.object({
  version: z.literal(FOOTER_VERSION),
  id: Id,
  rows: z.number().int().min(0),
  /** One for each dataset; rows without a time are in no extent. */
  extents: z.array(ExtentValue),
  /** Events that the segment no longer has because their file was damaged. Its cells may still count them. */
  holes: z.array(ExtentValue).default([]),
  /** The stored position of each source, and the segment that stored it first; the latest one is valid. */
  positions: z.array(z.object({ source: Source, position: PositionValue, since: Id })),
  /** Minimum and maximum `log.offset` of each source's rows. */
  offsets: z.array(z.object({ source: z.string(), min: z.number(), max: z.number() })),
  /** The rollup file of the same name, with the minimum and maximum `t` (epoch s); null if there is none. */
  cells: z.object({ rows: z.number(), from: z.number(), to: z.number() }).nullable(),
  /** Whether rows may have so much text that they are merged with care for the memory. */
  hasLongRows: z.literal(true).optional(),
  /** Whether events may have several numbers in a field whose column has the first one. */
  hasNumberLists: z.literal(true).optional(),
  /**
   * Segments that this one replaces: they no longer count. Also those that were replaced by these and still existed, so
   * that they do not count again when one of these is lost.
   */
  replaces: z.array(Id),
});
export type SegmentFooter = z.infer<typeof SegmentFooter>;

/** A segment in the folder. Segments of earlier versions have no checksums until the next merge. */
export type Segment = SegmentFooter & { bytes: number; checksums: SegmentChecksums | undefined };

/** @throws AppError if the value, a footer or a manifest, was written by a newer version */
export function assertNotNewer(
  value: unknown,
  { path, version }: { path: string; version: number },
): void {
  if (typeof value !== "object" || value === null || !("version" in value)) return;
  if (typeof value.version !== "number" || value.version <= version) return;
  const message = `${path} was written by a newer Quarterdeck: start that version with this data folder`;
  throw new AppError("unavailable", message);
}

/** The extents of the events, and of lost events, which the cells may still count. */
export function extentsWithHoles({ extents, holes }: SegmentFooter): SegmentFooter["extents"] {
  return [...extents, ...holes.map((hole) => ({ ...hole, rows: 0 }))];
}

/** Epoch ms of the oldest event; Infinity if there is none. */
export function oldestMs(segment: SegmentFooter): number {
  return Math.min(...segment.extents.map((extent) => extent.fromMs));
}

/** Epoch ms of the newest event; -Infinity if there is none. */
export function newestMs(segment: SegmentFooter): number {
  return Math.max(...segment.extents.map((extent) => extent.toMs));
}

type Merged = {
  id: SegmentId;
  cells: SegmentFooter["cells"];
  known: { find(id: SegmentId): unknown };
};

/** The footer of the segment that replaces these, and the known ones that these replace. */
export function mergedFooter(
  segments: readonly SegmentFooter[],
  { id, cells, known }: Merged,
): SegmentFooter {
  const ids = segments.map((segment) => segment.id);
  const replacedBefore = segments.flatMap(({ replaces }) => replaces);
  return {
    version: FOOTER_VERSION,
    id,
    rows: segments.reduce((sum, segment) => sum + segment.rows, 0),
    extents: mergeExtents(segments.flatMap((segment) => segment.extents)),
    holes: segments.flatMap((segment) => segment.holes),
    positions: latestPositions(segments),
    offsets: mergeOffsets(segments.flatMap((segment) => segment.offsets)),
    cells,
    ...(segments.some(({ hasLongRows }) => hasLongRows) ? { hasLongRows: true } : {}),
    ...(segments.some(({ hasNumberLists }) => hasNumberLists) ? { hasNumberLists: true } : {}),
    replaces: [...new Set([...ids, ...replacedBefore.filter((it) => known.find(it))])],
  };
}

/** The footer without the events, which are lost. */
export function withoutEvents(footer: SegmentFooter): SegmentFooter {
  const holes = [...footer.holes, ...footer.extents];
  return { ...footer, rows: 0, extents: [], offsets: [], holes };
}

type Extents = SegmentFooter["extents"];

export function mergeExtents(extents: Extents): Extents {
  const merged = new Map<string, Extents[number]>();
  for (const extent of extents) {
    const known = merged.get(extent.dataset);
    if (!known) merged.set(extent.dataset, { ...extent });
    else {
      known.rows += extent.rows;
      known.fromMs = Math.min(known.fromMs, extent.fromMs);
      known.toMs = Math.max(known.toMs, extent.toMs);
    }
  }
  return [...merged.values()].toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1));
}

/** The last stored position of each source. */
export function latestPositions(segments: readonly SegmentFooter[]): SegmentFooter["positions"] {
  const latest = new Map<SourceId, SegmentFooter["positions"][number]>();
  for (const entry of segments.flatMap((segment) => segment.positions)) {
    const known = latest.get(entry.source);
    if (!known || compareIds(known.since, entry.since) < 0) latest.set(entry.source, entry);
  }
  return [...latest.values()];
}

function mergeOffsets(offsets: SegmentFooter["offsets"]): SegmentFooter["offsets"] {
  const merged = new Map<string, SegmentFooter["offsets"][number]>();
  for (const { source, min, max } of offsets) {
    const known = merged.get(source) ?? { source, min, max };
    merged.set(source, { source, min: Math.min(known.min, min), max: Math.max(known.max, max) });
  }
  return [...merged.values()];
}
