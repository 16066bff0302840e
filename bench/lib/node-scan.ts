/** The lower bound: finds every field of every line of a combined log in plain JavaScript and keeps only counts. */
import { createReadStream } from "node:fs";

const [, NEWLINE, SPACE, QUOTE, BACKSLASH] = [0, 10, 32, 34, 92];
const statuses: Record<string, number> = {};
const counts = new Float64Array(1000);
let lines = 0;
let lengths = 0;
let carry = Buffer.alloc(0);

for await (const chunk of createReadStream(process.argv[2] ?? "", { highWaterMark: 1 << 20 })) {
  if (!Buffer.isBuffer(chunk)) continue;
  const bytes = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk;
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  for (let at = 0; at < end;) at = scanLine(bytes, at, bytes.indexOf(NEWLINE, at));
  carry = Buffer.from(bytes.subarray(end));
}
if (carry.length > 0) scanLine(carry, 0, carry.length);
for (const [status, count] of counts.entries()) if (count > 0) statuses[status] = count;
process.stdout.write(JSON.stringify({ lines, statuses, lengths }));

function scanLine(bytes: Buffer, start: number, end: number): number {
  let at = start;
  for (let field = 0; field < 3; field += 1) at = bareField(bytes, at, end);
  while (at < end && bytes[at] !== 93) at += 1;
  at = quotedField(bytes, at + 2, end);
  const status = numberAt(bytes, at);
  at = bareField(bytes, bareField(bytes, at, end), end);
  at = quotedField(bytes, at, end);
  quotedField(bytes, at, end);
  counts[status] = (counts[status] ?? 0) + 1;
  lines += 1;
  return end + 1;
}

function bareField(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE) at += 1;
  lengths += at - start;
  return at + 1;
}

function quotedField(bytes: Buffer, start: number, end: number): number {
  let at = start + 1;
  while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  lengths += at - start;
  return at + 2;
}

function numberAt(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start; at < start + 3; at += 1) value = value * 10 + ((bytes[at] ?? 48) - 48);
  return value;
}
