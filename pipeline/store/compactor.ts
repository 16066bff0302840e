import type { Clock } from "#platform/clock.ts";

import type { Duck } from "./duck.ts";
import type { SegmentFolder } from "./segment-folder.ts";

export class Compactor implements AsyncDisposable {
  readonly #segments: SegmentFolder;
  constructor(parts: { segments: SegmentFolder; duck: Duck; clock: Clock }) {
    this.#segments = parts.segments;
  }
  async compact(): Promise<boolean> {
    await this.#segments.list();
    return false;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}
