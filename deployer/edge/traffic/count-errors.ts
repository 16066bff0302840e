import { parseAccessLine } from "./access-line.ts";
import { LogTail } from "./log-tail.ts";

export type ErrorCount = { requests: number; errors: number };

/** Counts in the access log of a node from now on; each call of the result returns the counts since then. */
export async function countErrors(file: string): Promise<() => Promise<ErrorCount>> {
  const tail = new LogTail(file);
  await tail.skip();
  const count = { requests: 0, errors: 0 };
  return async () => {
    await tail.read((line) => {
      const served = parseAccessLine(line);
      if (served === undefined) return;
      count.requests += 1;
      if (served.isError) count.errors += 1;
    });
    return { ...count };
  };
}
