/** Compiles the module that packs documents: `node receivers/packing/compile.ts`, after each change of its source. */
import { fileURLToPath } from "node:url";

import { compile } from "#collectors/plain-lines/compile.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** @throws Error with the messages of the compiler */
export const compilePacking = (output: string): Promise<void> =>
  compile(output, here("assembly/pack.ts"));

if (import.meta.main) await compilePacking(here("pack.wasm"));
