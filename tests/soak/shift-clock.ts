/**
 * Loaded before the program (`node --import`): shifts its clock, in all its threads, by the milliseconds in a file, like
 * a step of the machine's clock. Timers and `performance.now()` are monotonic and stay.
 */
import { readFileSync } from "node:fs";

const READ_EVERY_MS = 100;
const file = process.env["SOAK_CLOCK_FILE"] ?? "";
const RealDate = Date;
let shiftMs = 0;
shiftMs = readShift();

function readShift(): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return shiftMs; // Written for the first time just now, or no more files may be opened.
  }
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + shiftMs] : args, newTarget),
  apply: () => new RealDate(RealDate.now() + shiftMs).toString(),
  get: (target, name, receiver) =>
    name === "now" ? () => RealDate.now() + shiftMs : Reflect.get(target, name, receiver),
});
setInterval(() => {
  shiftMs = readShift();
}, READ_EVERY_MS).unref();
