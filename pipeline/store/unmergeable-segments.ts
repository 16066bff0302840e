import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";

const PROBLEM = "files are too large to be merged";
/** The pause after a failed merge; it doubles with each further one. */
const RETRY_MS = { first: 60_000, most: 3_600_000 };
/** Once may be because questions used the memory at the same time. */
const FAILURES_REPORTED = 2;

type Failed = { failures: number; retryAtMs: number };

/** Segments that could not be merged within the memory limit. They are tried again later, and reported if that fails too. */
export class UnmergeableSegments {
  readonly #folder: SegmentFolder;
  readonly #monotonicMs: () => number;
  readonly #failed = new Map<SegmentId, Failed>();

  constructor(folder: SegmentFolder, monotonicMs: () => number) {
    this.#folder = folder;
    this.#monotonicMs = monotonicMs;
  }

  /** Whether the segment is not to be merged now. */
  has({ id }: Segment): boolean {
    return this.#monotonicMs() < (this.#failed.get(id)?.retryAtMs ?? 0);
  }

  add(segments: readonly Segment[]): void {
    const nowMs = this.#monotonicMs();
    for (const { id } of segments) {
      const failures = (this.#failed.get(id)?.failures ?? 0) + 1;
      const pauseMs = Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.most);
      this.#failed.set(id, { failures, retryAtMs: nowMs + pauseMs });
    }
    this.#report();
  }

  /** To be called with all segments of the store: some may have been merged or have expired. */
  keepOnly(segments: readonly Segment[]): void {
    if (this.#failed.size === 0) return;
    const there = new Set(segments.map(({ id }) => id));
    for (const id of this.#failed.keys()) if (!there.has(id)) this.#failed.delete(id);
    this.#report();
  }

  #report(): void {
    const repeated = [...this.#failed.values()].filter((it) => it.failures >= FAILURES_REPORTED);
    if (repeated.length === 0) return this.#folder.forgetProblem(PROBLEM);
    const text = `${repeated.length} files remain unmerged, because merging them requires more memory than the event store may use; their events can be read`;
    this.#folder.noteProblem(PROBLEM, text);
  }
}
