import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { AppError, type FieldError } from "#platform/errors.ts";
import { invalid } from "#platform/http/request-input.ts";

import { type InYaml, fromYaml } from "./yaml-document.ts";

export type ReadInThread =
  | { ok: true; read: InYaml }
  | { ok: false; fields: readonly FieldError[] };

/** Read in milliseconds, whatever is in it. */
const AT_ONCE_CHARACTERS_MAX = 16_000;
const READ_MS_MAX = 60_000;
const THREAD_MEMORY_MB_MAX = 1_024;
const WAITING_MAX = 10;

/**
 * Reads YAML files. A large one takes seconds, and one that was made to be slow takes minutes: they are read one at a
 * time in a thread, so that nobody else waits for them, and given up in the end.
 */
export function createYamlReader(): (text: string) => Promise<InYaml> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (text) => {
    if (text.length <= AT_ONCE_CHARACTERS_MAX) return fromYaml(text);
    if (waiting >= WAITING_MAX) {
      const message = "Too many large files are being read: send it again in a moment.";
      throw new AppError("unavailable", message, { waitMs: 10_000 });
    }
    waiting += 1;
    const reading = last.then(() => readInThread(text));
    last = reading.catch(() => undefined);
    try {
      return await reading;
    } finally {
      waiting -= 1;
    }
  };
}

/** @throws AppError bad_request */
async function readInThread(text: string): Promise<InYaml> {
  const thread = new Worker(new URL("yaml-thread.ts", import.meta.url), {
    workerData: text,
    // Flags of the process, such as --eval, are not meant for the thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MB_MAX },
  });
  const timer = setTimeout(() => void thread.terminate(), READ_MS_MAX);
  try {
    const ended = once(thread, "exit").then((): [undefined] => [undefined]);
    // What the thread says, whose other end is in this folder.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const [said] = (await Promise.race([once(thread, "message"), ended])) as [ReadInThread?];
    if (said === undefined) throw tooLarge();
    if (!said.ok) throw invalid(said.fields);
    return said.read;
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY"
      ? tooLarge()
      : error;
  } finally {
    clearTimeout(timer);
    void thread.terminate();
  }
}

const tooLarge = (): AppError =>
  invalid([
    {
      path: "body.yaml",
      code: "too_large",
      message: "it takes too long to read, or too much memory: make it smaller",
    },
  ]);
