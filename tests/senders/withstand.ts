import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { numberedLine } from "../harness/access-log.ts";
import { temporaryFolder } from "../harness/program.ts";
import { type Attack, attack } from "./attacks.ts";
import { startReceiver } from "./receiver.ts";

export type Withstood = {
  /** What was sent over UDP, MB a second. */
  floodMbPerS: number;
  /** Largest resident set of the receiver, MB. */
  rssMbPeak: number;
  /** Events of ordinary senders, over syslog and HTTP, during the attack, and how many of them were stored. */
  sent: number;
  stored: number;
};

const SEND_EVERY_MS = 50;
const QUIET_MS = 4_000;

/** Attacks a receiver while an ordinary program sends events over TCP. */
export async function withstand(how: Attack): Promise<Withstood> {
  await using folder = await temporaryFolder();
  await using receiver = await startReceiver(folder.path);
  const senders = [
    await ordinarySender(receiver.ports.syslogTcp),
    ordinaryRequests(receiver.ports.http, receiver.secret),
  ];
  const { floodBytesPerS } = await attack(receiver.ports, how);
  const counts = await Promise.all(senders.map((sender) => sender.end()));
  const sent = counts.reduce((sum, count) => sum + count, 0);
  await receiver.quiet(QUIET_MS);
  const rssMbPeak = receiver.rssMbPeak();
  const stored = new Set(await receiver.numbers());
  return { floodMbPerS: floodBytesPerS / 1e6, rssMbPeak, sent, stored: stored.size };
}

/** Sends events one by one over one connection. `end` returns how many. */
async function ordinarySender(port: number): Promise<{ end(): Promise<number> }> {
  const socket: Socket = connect(port, "127.0.0.1");
  const stop = new AbortController();
  const send = async (): Promise<number> => {
    let number = 0;
    for (; !stop.signal.aborted; number += 1) {
      socket.write(`<190>Mar 14 10:11:12 edge nginx: ${numberedLine(number, Date.now())}`);
      await delay(SEND_EVERY_MS);
    }
    return number;
  };
  const sending = send();
  return {
    async end() {
      stop.abort();
      const number = await sending;
      await new Promise<void>((resolve) => socket.end(resolve));
      return number;
    },
  };
}

/** Numbers of events that another sender does not send. */
const FIRST_NUMBER = 1_000_000;

/** Sends events one by one over HTTP, each over a new connection until it is accepted. `end` returns how many. */
function ordinaryRequests(port: number, secret: string): { end(): Promise<number> } {
  const stop = new AbortController();
  const headers = {
    authorization: `Bearer ${secret}`,
    "content-type": "text/plain",
    connection: "close",
  };
  const send = async (): Promise<number> => {
    let count = 0;
    while (!stop.signal.aborted) {
      const body = numberedLine(FIRST_NUMBER + count, Date.now());
      const request = { method: "POST", headers, body };
      const response = await fetch(`http://127.0.0.1:${port}/push`, request).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.ok) count += 1;
      await delay(SEND_EVERY_MS);
    }
    return count;
  };
  const sending = send();
  return {
    end() {
      stop.abort();
      return sending;
    },
  };
}
