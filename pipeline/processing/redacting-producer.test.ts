import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, onTestFinished, test } from "vitest";

import { openBus } from "../bus/open-bus.ts";
import type { BusProducer, BusRecord } from "../bus/port.ts";
import { Processing } from "./processing.ts";
import { redactingProducer } from "./redacting-producer.ts";

const SECRETS = /joe|example\.com|hunter2|4111/;

async function filesIn(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((it) => it.isFile());
  const texts = await Promise.all(
    files.map((it) => readFile(join(it.parentPath, it.name), "latin1").catch(() => "")),
  );
  return texts.join("\n");
}

/** The records that reach the bus. */
function recorded(processing: unknown): { producer: BusProducer; records: BusRecord[] } {
  const records: BusRecord[] = [];
  const bus = {
    append: async (...added: BusRecord[]) => void records.push(...added),
    recent: async function* () {},
    check: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { producer: redactingProducer(bus, Processing.parse(processing)), records };
}

const document = (dataset: string): string =>
  `${JSON.stringify({ "data_stream.dataset": dataset, message: "joe@example.com paid" })}\n`;

test("no file of the bus has a secret that was pushed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-bus-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const processing = Processing.parse({ redact: [{}] });
  await using producer = redactingProducer(
    openBus({ url: pathToFileURL(folder).href }),
    processing,
  );
  const original = JSON.stringify({
    user: "joe@example.com",
    password: "hunter2",
    pan: "4111111111111111",
  });
  const lines = `${JSON.stringify({ message: "login", "event.original": original })}\nplain password=hunter2 text\n`;
  await producer.append({
    header: { fields: { "user.email": "joe@example.com" } },
    lines: Buffer.from(lines),
  });
  const written = await filesIn(folder);
  expect(written).toContain("login");
  expect(written).toContain("[redacted:password]");
  expect(written).not.toMatch(SECRETS);
});

test("a pushed line is redacted by the rules of its dataset, and by all rules if it names none", async () => {
  const { producer, records } = recorded({
    redact: [
      { datasets: ["audit.*"], kinds: [] },
      { datasets: ["shop.*"], kinds: ["email"] },
    ],
  });
  const push = async (lines: string, dataset?: string): Promise<string> => {
    const header = { fields: {}, ...(dataset !== undefined && { dataset }) };
    await producer.append({ header, lines: Buffer.from(lines) });
    return Buffer.from(records.at(-1)?.lines ?? []).toString();
  };
  expect(await push(document("audit.log") + document("shop.app"))).toBe(
    document("audit.log") + document("shop.app").replace("joe@example.com", "[redacted:email]"),
  );
  expect(await push("joe@example.com\n", "audit.log")).toBe("joe@example.com\n");
  expect(await push("joe@example.com\r\n\nx")).toBe("[redacted:email]\r\n\nx");
});

test("all records of a request are passed on, in their order", async () => {
  const { producer, records } = recorded({ redact: [{}] });
  const record = (text: string): BusRecord => ({
    header: { fields: {} },
    lines: Buffer.from(text),
  });
  await producer.append(record("a joe@example.com\n"), record("b\n"), record("c\n"));
  expect(records.map(({ lines }) => Buffer.from(lines).toString())).toEqual([
    "a [redacted:email]\n",
    "b\n",
    "c\n",
  ]);
});

test("without rules the records are those that were given", async () => {
  const bus = {
    append: async () => undefined,
    recent: async function* () {},
    check: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  expect(redactingProducer(bus, Processing.parse({}))).toBe(bus);
});

test("secrets of packed documents are replaced, in what they have in common and in what differs", async () => {
  const { producer, records } = recorded({ redact: [{}] });
  const parts = { "0": '"user":{"email":"joe@example.com"}', "1": '"password":"hunter2"' };
  const messages = 'message "of" joe@example.com\npaid with 4111111111111111\n';
  await producer.append({
    header: {
      format: "ecs",
      message: "line",
      fields: {},
      packed: { parts, messageBytes: messages.length },
    },
    lines: Buffer.from(`${messages}0M1\nM\n`),
  });
  const [record] = records;
  const text = Buffer.from(record?.lines ?? []).toString();
  expect(text).not.toMatch(SECRETS);
  expect(JSON.stringify(record?.header)).not.toMatch(SECRETS);
  const [first, last] = text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(first).toMatchObject({ message: expect.stringMatching(/^message "of" /), user: {} });
  expect(last).toEqual({ message: expect.stringMatching(/^paid with /) });
});
