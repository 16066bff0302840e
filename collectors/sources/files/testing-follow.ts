import { eachLine } from "#collectors/lines.ts";
import { systemClock } from "#platform/clock.ts";

/** Follows the files of its arguments until it has read a number of lines, then prints the status. For tests. */
import { fileSource } from "../files.ts";

const [count = "", ...paths] = process.argv.slice(2);
const stop = new AbortController();
await using source = fileSource({ paths, follow: true, clock: systemClock });
let lines = 0;
for await (const chunk of source.read(() => Promise.resolve(new Map()), stop.signal)) {
  eachLine(chunk, () => (lines += 1));
  process.stdout.write(`${lines} lines\n`);
  if (lines >= Number(count)) stop.abort();
}
process.stdout.write(`${JSON.stringify(source.status())}\n`);
