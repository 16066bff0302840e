import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { ifExists } from "#platform/files.ts";
import { jsonWithChecksum, valueWithoutChecksum } from "#platform/text-checksum.ts";

import { publish, writeSafe } from "./files.ts";
import { advance, firstTime, newestOfMost, type RetentionTime } from "./retention-time.ts";
import type { Segment } from "./segment-footer.ts";
import { madeMs } from "./segment-id.ts";

const FILE = "retention-time.json";
const SAVE_EVERY_MS = 10 * 60_000;
/** More was not observed by this process, because another one did its work in between. */
const OBSERVED_MS_MAX = 2 * SAVE_EVERY_MS;
const Saved = z.object({ version: z.literal(1), atMs: z.number(), deviatingMs: z.number() });

type Options = { folder: string; scratch: string; monotonicMs: () => number };

/**
 * The retention time of a store, in a file of its folder, so that it outlives the process. It is
 * advanced by the holder of the compaction lease.
 */
export class RetentionTimeFile {
  readonly #options: Options;
  #savedMs: number | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The current retention time; `segments` are those of the store, in case it has none yet. */
  async now(nowMs: number, segments: readonly Segment[]): Promise<RetentionTime> {
    const monotonicMs = this.#options.monotonicMs();
    this.#savedMs ??= monotonicMs;
    const elapsedMs = Math.min(monotonicMs - this.#savedMs, OBSERVED_MS_MAX);
    const saved = await this.#read();
    const time = saved
      ? advance(saved, { nowMs, elapsedMs })
      : firstTime(nowMs, newestOfMost(believedExtents(segments)));
    if (!saved || elapsedMs >= SAVE_EVERY_MS) {
      // On a full disk events still expire: what is not saved is only observed again after a restart.
      await this.save(time).catch(() => undefined);
      this.#savedMs = monotonicMs;
    }
    return time;
  }

  async save(time: RetentionTime): Promise<void> {
    const { folder, scratch } = this.#options;
    const draft = join(scratch, `retention-time-${randomUUID()}.json`);
    const saved: z.infer<typeof Saved> = { version: 1, ...time };
    await writeSafe(draft, [Buffer.from(jsonWithChecksum(saved))]);
    await publish(draft, join(folder, FILE));
  }

  /** Undefined also if the file is damaged: the events then decide again. */
  async #read(): Promise<RetentionTime | undefined> {
    const text = await ifExists(readFile(join(this.#options.folder, FILE), "utf8"));
    if (text === undefined) return undefined;
    try {
      return Saved.parse(valueWithoutChecksum(text));
    } catch {
      return undefined;
    }
  }
}

/** No event is believed to be newer than the file in which it was stored. */
const believedExtents = (segments: readonly Segment[]): { rows: number; toMs: number }[] =>
  segments.flatMap(({ id, extents }) =>
    extents.map(({ rows, toMs }) => ({ rows, toMs: Math.min(toMs, madeMs(id)) })),
  );
