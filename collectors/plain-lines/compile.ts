/** Compiles the module of plain lines: `node collectors/plain-lines/compile.ts`, after each change of its source. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const COMPILER = here("../../node_modules/assemblyscript/bin/asc.js");
const OPTIONS = ["-O3", "--converge", "--noAssert", "--enable", "simd", "--runtime", "stub"];

/** @throws Error with the messages of the compiler */
export async function compile(output: string, source = here("assembly/scan.ts")): Promise<void> {
  const args = [source, "--outFile", output, "--importMemory", ...OPTIONS];
  await promisify(execFile)(process.execPath, [COMPILER, ...args], { cwd: here(".") });
}

if (import.meta.main) await compile(here("plain-lines.wasm"));
