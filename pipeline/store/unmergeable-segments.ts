import type { SegmentFolder } from "./segment-folder.ts";
import type { Segment } from "./segment-footer.ts";
import type { SegmentId } from "./segment-id.ts";

const PROBLEM = "files are too large to be merged";

/** Segments that cannot be merged within the memory limit. They are not tried again, and reported. */
export class UnmergeableSegments {
  readonly #folder: SegmentFolder;
  readonly #ids = new Set<SegmentId>();

  constructor(folder: SegmentFolder) {
    this.#folder = folder;
  }

  has({ id }: Segment): boolean {
    return this.#ids.has(id);
  }

  add(segments: readonly Segment[]): void {
    for (const { id } of segments) this.#ids.add(id);
    this.#report();
  }

  /** To be called with all segments of the store: some may have expired. */
  keepOnly(segments: readonly Segment[]): void {
    if (this.#ids.size === 0) return;
    const there = new Set(segments.map(({ id }) => id));
    for (const id of this.#ids) if (!there.has(id)) this.#ids.delete(id);
    this.#report();
  }

  #report(): void {
    const files = this.#ids.size;
    if (files === 0) return this.#folder.forgetProblem(PROBLEM);
    const text = `${files} files with very long lines remain unmerged, because merging them requires more memory than the event store may use; their events can be read`;
    this.#folder.noteProblem(PROBLEM, text);
  }
}
