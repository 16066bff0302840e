import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { Client } from "./client.ts";
import { eventually } from "./customers.ts";
import type { Installation } from "./installation.ts";

export type Backoffice = { client: Client; installation: Installation };

const APPLICATION = "/v1/settings/chaos";
const Setting = z.object({
  version: z.int(),
  values: z.array(z.looseObject({ value: z.unknown() })),
});

export async function openApplication({ client, installation }: Backoffice): Promise<void> {
  const all = { service: "management", as: installation.rootKey } as const;
  const made = { name: "chaos", description: "", reason: "start" };
  const add = { ...all, request: "POST /v1/applications", status: 201, body: made };
  await client.ask(add, z.unknown());
  const schema = { type: "integer" };
  const definition = { description: "How often it was set", schema, default: 0 };
  const request = `PUT ${APPLICATION}/definitions/count`;
  const define = { ...all, request, status: 200, body: { definition, reason: "needed" } };
  await client.ask(define, z.unknown());
}

/** Increments a setting until the signal aborts; resolves with the last acknowledged value. */
export async function changeSettings(backoffice: Backoffice, signal: AbortSignal): Promise<number> {
  const { client, installation } = backoffice;
  const all = { service: "management", as: installation.rootKey } as const;
  let value = 0;
  while (!signal.aborted) {
    value += 1;
    await eventually(`the setting is ${value}`, async () => {
      const read = { ...all, request: `GET ${APPLICATION}/definitions/count`, status: 200 };
      const setting = await client.ask(read, Setting);
      const before = z.int().catch(0).parse(setting.values[0]?.value);
      // The change succeeded, and the response was lost.
      if (before === value) return true;
      if (before !== value - 1) throw new Error(`the setting was ${value - 1} and is ${before}`);
      const headers = { "if-match": `"${setting.version}"` };
      const body = { value, reason: "counting" };
      const request = `PUT ${APPLICATION}/values/count`;
      const { status, text } = await client.send({ ...all, request, headers, body });
      if (status !== 200 && status !== 412) throw new Error(`the setting: ${status} ${text}`);
      return status === 200 || undefined;
    });
    await delay(50);
  }
  return value;
}

/** Reads a stream of changes, reopened whenever it breaks; the values are in order of arrival. */
export type Watcher = { values: number[]; stop(): Promise<void> };

export function watchSettings({ installation }: Backoffice): Watcher {
  const values: number[] = [];
  const stopping = new AbortController();
  let last: string | undefined = "2";

  async function stream(): Promise<void> {
    const response = await fetch(`${installation.urls.management}/v1/watch?application=chaos`, {
      headers: {
        authorization: `Bearer ${installation.rootKey}`,
        ...(last === undefined ? {} : { "last-event-id": last }),
      },
      signal: stopping.signal,
    });
    if (response.status !== 200 || response.body === null) return void (await response.text());
    let text = "";
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + part).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) take(block);
    }
  }
  function take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
    last = field("id") ?? last;
    if (field("event") !== "revision") return;
    const { changes } = Changes.parse(JSON.parse(field("data") ?? ""));
    for (const { after } of changes) values.push(after);
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      // After it is reopened, no change may be missing.
      await stream().catch(() => undefined);
      await delay(100);
    }
  })();
  return {
    values,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const Changes = z.object({ changes: z.array(z.looseObject({ after: z.int() })) });

/** The number of acknowledged lines, and those that were sent more than once. */
export type Pushed = { count: number; repeated: Set<number> };

/** Pushes numbered log lines until the signal aborts. */
export async function pushLogs(backoffice: Backoffice, signal: AbortSignal): Promise<Pushed> {
  const { client, installation } = backoffice;
  const repeated = new Set<number>();
  const broken = () => client.failures.filter((it) => it.request === "POST /v1/logs/batch").length;
  let count = 0;
  while (!signal.aborted) {
    const lines = Array.from({ length: 10 }, (_, place) =>
      JSON.stringify({ "data_stream.dataset": "chaos.log", message: `number ${count + place}` }),
    );
    const before = broken();
    const accepted = await client.ask(
      {
        service: "logging",
        request: "POST /v1/logs/batch",
        as: installation.rootKey,
        status: 202,
        headers: { "content-type": "application/x-ndjson" },
        body: `${lines.join("\n")}\n`,
      },
      z.object({ accepted: z.int() }),
    );
    if (accepted.accepted !== lines.length) throw new Error("not all lines were accepted");
    if (broken() > before) for (const place of lines.keys()) repeated.add(count + place);
    count += lines.length;
    await delay(50);
  }
  return { count, repeated };
}

/** Reads reports until the signal; resolves with their number. */
export async function readReports(
  { client, installation }: Backoffice,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const request = "GET /v1/reports/revenue?step=day&period=today";
    const call = { service: "reporting", request, as: installation.rootKey, status: 200 } as const;
    await client.ask(call, z.unknown());
    count += 1;
    await delay(500);
  }
  return count;
}
