/** Parses one YAML file, posts the result, and exits. */
import { parentPort, workerData } from "node:worker_threads";

import { AppError } from "#platform/errors.ts";

import type { ReadInThread } from "./read-yaml.ts";
import { fromYaml } from "./yaml-document.ts";

function read(text: string): ReadInThread {
  try {
    return { ok: true, read: fromYaml(text) };
  } catch (error) {
    if (error instanceof AppError) return { ok: false, fields: error.fields };
    throw error;
  }
}

parentPort?.postMessage(read(String(workerData)));
