import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import { ecs } from "#collectors/formats/ecs.ts";
import type { Chunk, Source, SourceId } from "#collectors/source.ts";
import { type Claim, claim } from "#collectors/sources/claim.ts";

import { ifThere } from "../store/files.ts";
import type { EventStore } from "../store/port.ts";
import { lanesOf, segmentPath, segmentsOf, STRIDE } from "./segments.ts";

const CHUNK_BYTES = 1024 * 1024;
const POLL_MS = 100;
const CLAIM_EVERY_MS = 500;
/** Chunks of one lane before the next gets its turn. */
const TURN_CHUNKS = 8;
const LF = 0x0a;

/** Makes this process the one that moves the bus into the store; undefined while another one does. */
export const claimBus = (folder: string): Promise<Claim | undefined> =>
  claim("src_bus-reader", folder);

/**
 * The bus for a process that reads other sources too: its chunks come as soon as no other process moves it. To be
 * disposed of when all that was read is stored, because then another one goes on from there.
 */
export function sharedBus(
  folder: string,
  store: Pick<EventStore, "positions">,
): AsyncDisposable & { source: Source } {
  let held: Claim | undefined;
  return {
    source: {
      async *read(positions, signal) {
        while (!held && !signal.aborted) {
          // A folder that cannot be written to may be mended; until then nothing can come in either.
          held = await claimBus(folder).catch(() => undefined);
          if (!held) await delay(CLAIM_EVERY_MS, undefined, { signal }).catch(() => undefined);
        }
        if (held) yield* busSource(folder, store).read(positions, signal);
      },
    },
    [Symbol.asyncDispose]: async () => held?.release(),
  };
}

/**
 * What was pushed at us, as a source; to be read with the claim of the bus only. How far each lane is stored is asked
 * when the reading begins, as another process may have moved it until then. Ends with the signal.
 */
export function busSource(folder: string, store: Pick<EventStore, "positions">): Source {
  return {
    async *read(_positions, signal) {
      const stored = await store.positions();
      const offsets = new Map<SourceId, number>();
      while (!signal.aborted) {
        let isIdle = true;
        for (const lane of await lanesOf(folder)) {
          const offset = offsets.get(lane) ?? stored.get(lane)?.offset ?? 0;
          const reader = new LaneReader({ folder, lane, offset });
          for await (const chunk of reader.chunks(signal)) {
            isIdle = false;
            yield chunk;
          }
          offsets.set(lane, reader.offset);
        }
        if (isIdle) await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

class LaneReader {
  readonly #folder: string;
  readonly #lane: SourceId;
  offset: number;

  constructor(from: { folder: string; lane: SourceId; offset: number }) {
    this.#folder = from.folder;
    this.#lane = from.lane;
    this.offset = from.offset;
  }

  /** Whole lines, in order, as far as there are any now, some chunks at most. */
  async *chunks(signal: AbortSignal): AsyncGenerator<Chunk, void> {
    // Listed before they are read: a segment with one behind it had got its last line by then.
    const segments = await segmentsOf(this.#folder, this.#lane);
    for (let taken = 0; taken < TURN_CHUNKS && !signal.aborted;) {
      const lines = await this.#lines(Math.floor(this.offset / STRIDE), this.offset % STRIDE);
      if (lines) {
        const { offset } = this;
        this.offset += lines.length;
        taken += 1;
        yield {
          sourceId: this.#lane,
          path: "",
          bytes: lines,
          offset,
          position: { offset: this.offset },
          bytesSkipped: 0,
          format: ecs,
        };
        continue;
      }
      const { offset } = this;
      const next = segments.find((index) => index * STRIDE > offset);
      if (next === undefined) return;
      // What is left of the one before is half a line, which was never acknowledged.
      this.offset = next * STRIDE;
    }
  }

  async #lines(index: number, at: number): Promise<Uint8Array | undefined> {
    const opened = await ifThere(open(segmentPath(this.#folder, this.#lane, index), "r"));
    if (!opened) return undefined;
    await using file = opened;
    const { size } = await file.stat();
    if (size <= at) return undefined;
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(LF) + 1;
    // Lines are far shorter than a chunk: where none ends in a whole one, the file is damaged, and quarantine shows it.
    if (end === 0) return bytesRead === CHUNK_BYTES ? buffer : undefined;
    return buffer.subarray(0, end);
  }
}
