import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { Client } from "./storm-client.ts";
import { comesTrue } from "./storm-customers.ts";
import type { Site } from "./storm-site.ts";

export type Office = { client: Client; site: Site };

const APPLICATION = "/v1/settings/storm";
const Setting = z.object({
  version: z.int(),
  values: z.array(z.looseObject({ value: z.unknown() })),
});

export async function openApplication({ client, site }: Office): Promise<void> {
  const all = { service: "management", as: site.rootKey } as const;
  const made = { name: "storm", description: "", reason: "start" };
  const add = { ...all, request: "POST /v1/applications", status: 201, body: made };
  await client.ask(add, z.unknown());
  const schema = { type: "integer" };
  const definition = { description: "How often it was set", schema, default: 0 };
  const request = `PUT ${APPLICATION}/definitions/count`;
  const define = { ...all, request, status: 200, body: { definition, reason: "needed" } };
  await client.ask(define, z.unknown());
}

/** Counts a setting up for as long as it may; resolves with the last value that was acknowledged. */
export async function changeSettings(office: Office, enough: AbortSignal): Promise<number> {
  const { client, site } = office;
  const all = { service: "management", as: site.rootKey } as const;
  let value = 0;
  while (!enough.aborted) {
    value += 1;
    await comesTrue(`the setting is ${value}`, async () => {
      const read = { ...all, request: `GET ${APPLICATION}/definitions/count`, status: 200 };
      const setting = await client.ask(read, Setting);
      const before = z.int().catch(0).parse(setting.values[0]?.value);
      // It was done, and the answer to that was lost.
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

/** A stream of changes that is opened again whenever it breaks; what came, in its order. */
export type Watcher = { values: number[]; streams(): number; stop(): Promise<void> };

export function watchSettings({ site }: Office): Watcher {
  const values: number[] = [];
  const leaving = new AbortController();
  let last: string | undefined = "2";
  let streams = 0;

  async function stream(): Promise<void> {
    const response = await fetch(`${site.urls.management}/v1/watch?application=storm`, {
      headers: {
        authorization: `Bearer ${site.rootKey}`,
        ...(last === undefined ? {} : { "last-event-id": last }),
      },
      signal: leaving.signal,
    });
    if (response.status !== 200 || response.body === null) return void (await response.text());
    streams += 1;
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
    while (!leaving.signal.aborted) {
      // It broke: what matters is that nothing is missing when it is there again.
      await stream().catch(() => undefined);
      await delay(100);
    }
  })();
  return {
    values,
    streams: () => streams,
    async stop() {
      leaving.abort();
      await running;
    },
  };
}

const Changes = z.object({ changes: z.array(z.looseObject({ after: z.int() })) });

/** How many were acknowledged; `again`: those whose request had to be sent more than once. */
export type Pushed = { count: number; again: Set<number> };

/** Pushes logs, each with a number of its own. */
export async function pushLogs(office: Office, enough: AbortSignal): Promise<Pushed> {
  const { client, site } = office;
  const again = new Set<number>();
  const broken = () => client.troubles.filter((it) => it.request === "POST /v1/logs/batch").length;
  let count = 0;
  while (!enough.aborted) {
    const lines = Array.from({ length: 10 }, (_, place) =>
      JSON.stringify({ "data_stream.dataset": "storm.log", message: `number ${count + place}` }),
    );
    const before = broken();
    const accepted = await client.ask(
      {
        service: "logging",
        request: "POST /v1/logs/batch",
        as: site.rootKey,
        status: 202,
        headers: { "content-type": "application/x-ndjson" },
        body: `${lines.join("\n")}\n`,
      },
      z.object({ accepted: z.int() }),
    );
    if (accepted.accepted !== lines.length) throw new Error("not all lines were taken");
    if (broken() > before) for (const place of lines.keys()) again.add(count + place);
    count += lines.length;
    await delay(50);
  }
  return { count, again };
}

/** Reads reports for as long as it may; resolves with how many. */
export async function readReports({ client, site }: Office, enough: AbortSignal): Promise<number> {
  let count = 0;
  while (!enough.aborted) {
    const request = "GET /v1/reports/revenue?step=day&period=today";
    const asked = { service: "reporting", request, as: site.rootKey, status: 200 } as const;
    await client.ask(asked, z.unknown());
    count += 1;
    await delay(500);
  }
  return count;
}
