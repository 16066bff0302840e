import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { eachLine } from "#collectors/lines.ts";
import type { Position, SourceId, SourceStatus } from "#collectors/source.ts";
import { systemClock, type Clock } from "#platform/clock.ts";

import { fileSource } from "../files.ts";
import type { FileSourceOptions } from "./options.ts";

/** A fast clock, so that quiet periods are short in tests. */
export function fastClock(): Clock {
  const startMs = systemClock.nowMs();
  return { nowMs: () => startMs + (systemClock.nowMs() - startMs) * 50 };
}

export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "quarterdeck-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Resolves when the condition holds; limited only by the timeout of the test. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Lines and positions, as kept by a store. */
export class Reading {
  readonly lines: string[] = [];
  readonly ids = new Set<SourceId>();
  readonly positions = new Map<SourceId, Position>();
  bytesSkipped = 0;
  #status: () => SourceStatus[] = () => [];

  async read(
    options: Partial<FileSourceOptions> & { paths: readonly string[] },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<SourceStatus[]> {
    await using source = fileSource({ follow: false, clock: fastClock(), ...options });
    this.#status = () => source.status();
    for await (const chunk of source.read(() => Promise.resolve(new Map(this.positions)), signal)) {
      const text = Buffer.from(chunk.bytes);
      eachLine({ bytes: text }, (start, end) => this.lines.push(text.toString("utf8", start, end)));
      this.positions.set(chunk.sourceId, chunk.position);
      this.ids.add(chunk.sourceId);
      this.bytesSkipped += chunk.bytesSkipped;
    }
    return source.status();
  }

  /** The same as `tail`, with the status of a path at the moment. */
  follow(
    options: Partial<FileSourceOptions> & { paths: readonly string[] },
  ): AsyncDisposable & { statusOf(path: string): SourceStatus | undefined } {
    return {
      ...this.tail(options),
      statusOf: (path) => this.#status().find((it) => it.path === path),
    };
  }

  /** Follows the files until disposed, like a process until it is stopped. */
  tail(options: Partial<FileSourceOptions> & { paths: readonly string[] }): AsyncDisposable {
    const stop = new AbortController();
    const done = this.read({ ...options, follow: true }, stop.signal);
    return {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await done;
      },
    };
  }
}
