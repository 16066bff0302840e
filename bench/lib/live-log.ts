import { closeSync, openSync, writeSync } from "node:fs";

import { seededUniform } from "./random.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WRITE_EVERY_MS = 10;
/** The time between markers varies, so that they are not in phase with any timer. */
const MARKER_MS = { min: 400, max: 600 };
const CLIENTS = 20_000;
const ROUTES = [
  "/",
  "/products/31",
  "/products/7",
  "/cart",
  "/search?q=mug",
  "/api/stock",
  "/help",
];
const AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

export type LiveLog = Disposable & {
  /** When each sign-in was appended, epoch ms: the k-th is at k − 1. */
  signInsMs: number[];
  /** Lines written so far. */
  lines(): number;
  /** Whether sign-ins are written beside the other requests. */
  setMarking(isOn: boolean): void;
};

/** Appends to an nginx access log at a steady rate; each sign-in among the lines is a separate write. */
export function writeLiveLog(file: string, linesPerSecond: number): LiveLog {
  const random = seededUniform(4600);
  const descriptor = openSync(file, "a");
  const startMs = performance.now();
  const signInsMs: number[] = [];
  let lines = 0;
  let marker: NodeJS.Timeout | undefined;
  const writing = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) * linesPerSecond) / 1000);
    let text = "";
    for (; lines < due; lines += 1) text += requestLine(random);
    if (text !== "") writeSync(descriptor, text);
  }, WRITE_EVERY_MS);
  const mark = (): void => {
    const line = accessLine({ client: "198.51.100.7", request: "POST /login", status: 302 });
    signInsMs.push(Date.now());
    writeSync(descriptor, line);
    plan();
  };
  const plan = (): void => {
    const waitMs = MARKER_MS.min + (MARKER_MS.max - MARKER_MS.min) * random();
    marker = setTimeout(mark, waitMs);
  };
  return {
    signInsMs,
    lines: () => lines + signInsMs.length,
    setMarking: (isOn) => {
      clearTimeout(marker);
      if (isOn) plan();
    },
    [Symbol.dispose]: () => {
      clearInterval(writing);
      clearTimeout(marker);
      closeSync(descriptor);
    },
  };
}

function requestLine(random: () => number): string {
  const number = Math.floor(CLIENTS * random() ** 2);
  const route = ROUTES[Math.floor(ROUTES.length * random() ** 2)] ?? "/";
  return accessLine({
    client: `10.1.${number >> 8}.${number & 255}`,
    request: `GET ${route}`,
    status: random() < 0.01 ? 503 : 200,
    seconds: 0.02 * Math.exp(2 * random()),
  });
}

type Request = { client: string; request: string; status: number; seconds?: number };

function accessLine({ client, request, status, seconds = 0.05 }: Request): string {
  return `${client} - - [${timeLocal()}] "${request} HTTP/1.1" ${status} 5120 "-" "${AGENT}" ${seconds.toFixed(3)}\n`;
}

const two = (value: number): string => String(value).padStart(2, "0");

function timeLocal(): string {
  const at = new Date();
  const date = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${date}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}
