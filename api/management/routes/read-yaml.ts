import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { AppError, type FieldError } from "#platform/errors.ts";
import { invalid } from "#platform/http/invalid-input.ts";

import { type YamlFile, fromYaml } from "./yaml-document.ts";

export type ReadInThread =
  | { ok: true; read: YamlFile }
  | { ok: false; fields: readonly FieldError[] };

/** Files up to this length parse in milliseconds, whatever their content. */
const AT_ONCE_CHARACTERS_MAX = 16_000;
const READ_MS_MAX = 60_000;
const THREAD_MEMORY_MB_MAX = 1_024;
const WAITING_MAX = 10;

/**
 * Parses YAML files. A large one takes seconds and a malicious one minutes, so they are parsed one at a time in a
 * thread, without blocking other requests, and with a time limit.
 */
export function createYamlReader(): (text: string) => Promise<YamlFile> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (text) => {
    if (text.length <= AT_ONCE_CHARACTERS_MAX) return fromYaml(text);
    if (waiting >= WAITING_MAX) {
      const message = "Too many large files are being parsed: try again later.";
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
async function readInThread(text: string): Promise<YamlFile> {
  const thread = new Worker(new URL("yaml-thread.ts", import.meta.url), {
    workerData: text,
    // Flags of the process, such as --eval, must not reach the thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MB_MAX },
  });
  const timer = setTimeout(() => void thread.terminate(), READ_MS_MAX);
  try {
    const ended = once(thread, "exit").then((): [undefined] => [undefined]);
    // The message comes from yaml-thread.ts in this folder.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const [message] = (await Promise.race([once(thread, "message"), ended])) as [ReadInThread?];
    if (message === undefined) throw tooLarge();
    if (!message.ok) throw invalid(message.fields);
    return message.read;
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
      message: "parsing takes too much time or memory: make it smaller",
    },
  ]);
