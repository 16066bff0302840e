import type { Lease } from "#platform/lease/lease.ts";

import { fileStamp } from "./file-verifier.ts";
import { readManifest } from "./manifest.ts";
import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import { type Damage, FILE_KINDS, type FileKind, UnusableFiles } from "./segment-health.ts";
import type { SegmentId } from "./segment-id.ts";

/** Bytes that a scrub reads at most of files that have not changed. */
const SCRUB_BYTES = 4 * 1024 * 1024;
/** Files are read again after this time, because errors of the disk change neither size nor times of a file. */
const SCRUB_EVERY_MS = 60 * 60_000;

type Replace = (segment: Segment, damage: Damage, lease: Lease) => Promise<boolean>;

/** Looks for damaged files and repairs them. */
export class SegmentRepairs {
  readonly #segments: SegmentFolder;
  /** Stores a segment with what can be read of this one, which replaces it. False if the lease was lost. */
  readonly #replace: Replace;
  /** The stamps of the manifests that were read. */
  #manifests = new Map<SegmentId, string>();

  constructor(segments: SegmentFolder, replace: Replace) {
    this.#segments = segments;
    this.#replace = replace;
  }

  /**
   * Verifies changed files, and some of those that were not read for the longest time. Damage is only marked, so no lease
   * is required: it is found also while nothing can be written.
   */
  async examine(): Promise<void> {
    const { segments } = await this.#segments.listAll();
    const files = segments.flatMap((segment) => FILE_KINDS.map((kind) => ({ segment, kind })));
    const readMs = ({ segment, kind }: File): number =>
      this.#segments.health.verifiedMs(segment, kind) ?? Number.NEGATIVE_INFINITY;
    let budget = SCRUB_BYTES;
    for (const file of files) if (readMs(file) > 0) await this.#verify(file, false);
    for (const file of files.toSorted((a, b) => readMs(a) - readMs(b))) {
      if (budget <= 0 || readMs(file) > performance.now() - SCRUB_EVERY_MS) break;
      if (!file.segment.checksums) continue;
      budget -= bytesOf(file);
      await this.#verify(file, true);
    }
  }

  /** Repairs the damaged segments; false if there are none. For the holder of the compaction lease. */
  async repair(lease: Lease): Promise<boolean> {
    const { segments } = await this.#segments.listAll();
    await this.#protect(segments);
    await this.#repairManifests(segments);
    const counted = new Set(segments.map(({ id }) => id));
    const damaged = [...this.#segments.health.damagedIds()].flatMap(
      (id) => this.#segments.find(id) ?? [],
    );
    for (const segment of damaged) {
      if (counted.has(segment.id)) await this.#repair(segment, lease);
      // Others count instead: those that it replaces, or one that replaces it.
      else await this.#segments.moveToBroken(segment.id, "events");
    }
    return damaged.length > 0;
  }

  async #repair(segment: Segment, lease: Lease): Promise<void> {
    const damage = this.#segments.health.damageOf(segment);
    // A segment that still counts keeps its files: its positions are in them.
    if (!(await this.#replace(segment, damage, lease))) return;
    await this.#segments.moveToBroken(segment.id, damage.events ? "events" : "rollup");
  }

  async #repairManifests(segments: readonly Segment[]): Promise<void> {
    const read = this.#manifests;
    this.#manifests = new Map();
    for (const { id, checksums } of segments) {
      if (!checksums) continue;
      const path = this.#segments.manifestPath(id);
      const stamp = fileStamp(path);
      const isIntact = stamp !== undefined && (read.get(id) === stamp || (await isReadable(path)));
      if (isIntact) this.#manifests.set(id, stamp);
      else await this.#segments.addManifest(id);
    }
  }

  /** Writes the manifests of segments of an earlier version. If a file is missing, the segment is repaired instead. */
  async #protect(segments: readonly Segment[]): Promise<void> {
    let budget = SCRUB_BYTES;
    for (const segment of segments) {
      if (segment.checksums) continue;
      if (budget <= 0) return;
      budget -= segment.bytes;
      for (const kind of FILE_KINDS) await this.#verify({ segment, kind }, false);
      if (this.#segments.health.isWhole(segment)) await this.#segments.addManifest(segment.id);
    }
  }

  async #verify({ segment, kind }: File, isFresh: boolean): Promise<void> {
    try {
      await this.#segments.health.verify([segment], kind, isFresh);
    } catch (error) {
      if (!(error instanceof UnusableFiles)) throw error;
    }
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await readManifest(path);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

type File = { segment: Segment; kind: FileKind };

const bytesOf = ({ segment: { bytes, checksums }, kind }: File): number =>
  kind === "events" ? bytes : (checksums?.rollup?.bytes ?? 0);
