import { parentPort, workerData } from "node:worker_threads";

import { io, type Socket } from "socket.io-client";

import { LiveFrame } from "#dashboards/api.ts";

import { quantiles } from "./live-statistics.ts";
import type { Tally, ViewersTask } from "./live-viewers.ts";

/** Fewer than the connections that a server leaves waiting. */
const OPENED_AT_ONCE = 50;

// oxlint-disable-next-line no-unsafe-type-assertion -- both ends are this folder
const { count, url, cookies, dataset } = workerData as ViewersTask;
let frames = 0;
let delaysMs: number[] = [];

/** One viewer validates each frame with the schema that pages use; the others only parse it, to save CPU. */
async function openViewer(index: number): Promise<Socket> {
  const isStrict = index === 0;
  const cookie = cookies[index % cookies.length] ?? "";
  const socket = io(url, {
    path: "/socket",
    transports: ["websocket"],
    forceNew: true,
    extraHeaders: { cookie, origin: url },
  });
  socket.on("frame", (message: { atMs: number }) => {
    const { atMs } = isStrict ? LiveFrame.parse(message) : message;
    frames += 1;
    delaysMs.push(Date.now() - atMs);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  socket.emit("watch", { dataset });
  return socket;
}

for (let first = 0; first < count; first += OPENED_AT_ONCE) {
  const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - first) }, (_, i) => first + i);
  await Promise.all(some.map(openViewer));
}
parentPort?.on("message", () => {
  const [p50 = 0, p99 = 0] = quantiles(delaysMs, [0.5, 0.99]);
  const tally: Tally = { frames, delayMs: delaysMs.length > 0 ? { p50, p99 } : null };
  frames = 0;
  delaysMs = [];
  parentPort?.postMessage(tally);
});
parentPort?.postMessage("watching");
