import { randomUUID } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import type { z } from "zod";

import { errorCode } from "./errors.ts";

const FILE_MODE = 0o600;

/** The content of a small JSON file, or why it has none, as a message for people. Neither if there is no file. */
export type StateFile<T> = { value?: T; damage?: string };

/** Reads a file that `writeStateFile` wrote. The disk may have emptied or truncated it, or a person changed it. */
export function readStateFile<T>(file: string, schema: z.ZodType<T>): StateFile<T> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = errorCode(error);
    return code === "ENOENT" ? {} : { damage: `${file} cannot be read (${code})` };
  }
  if (text.trim() === "") return { damage: `${file} is empty` };
  const parsed = schema.safeParse(jsonIn(text));
  return parsed.success
    ? { value: parsed.data }
    : { damage: `${file} is damaged: it does not have the expected content` };
}

/**
 * Replaces the file, so that it is complete before or after, also when the machine loses power. If several processes
 * write at the same time, one of their values remains.
 */
export function writeStateFile(file: string, value: unknown): void {
  replaceFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** The same with any content. The file is readable by its owner only. */
export function replaceFile(file: string, content: string | Uint8Array): void {
  const draft = `${file}.${randomUUID()}.new`;
  try {
    writeDurably(draft, content);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(path.dirname(file));
}

function writeDurably(file: string, content: string | Uint8Array): void {
  const descriptor = openSync(file, "wx", FILE_MODE);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes new names in the folder durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
