import type { Chunk, Position } from "#collectors/source.ts";

import { HeldLines } from "./held-lines.ts";
import type { LogLine } from "./log-line.ts";

/** What is held of a stream until it is complete, by the origin of the lines. */
export class Held {
  /** Events that the next lines may continue. */
  readonly events = new Map<string, HeldLines>();
  /** The parts of lines that a container runtime split. */
  readonly parts = new Map<string, HeldLines>();
  /** The largest offset of a row that was written while lines were held. */
  takenOffset = -1;

  get size(): number {
    return this.events.size + this.parts.size;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Whether rows of later lines were written: the position of what is held would repeat them. */
  get isOvertaken(): boolean {
    const first = this.#first;
    return first !== undefined && this.takenOffset > first.offset;
  }

  /** The position before everything that is held. */
  get position(): Position | undefined {
    return this.#first?.position;
  }

  /** Adds a part of a line to those before it of the same origin. */
  addPart(line: LogLine, key: string, nowMs: number): HeldLines {
    const before = this.parts.get(key);
    if (before) {
      before.join(line, nowMs);
      return before;
    }
    const first = new HeldLines(line, nowMs);
    this.parts.set(key, first);
    return first;
  }

  endChunk(chunk: Chunk): void {
    for (const held of this.#all()) held.endChunk(chunk);
  }

  get #first(): HeldLines | undefined {
    let first: HeldLines | undefined;
    for (const held of this.#all()) if (!first || held.offset < first.offset) first = held;
    return first;
  }

  *#all(): Generator<HeldLines> {
    yield* this.events.values();
    yield* this.parts.values();
  }
}
