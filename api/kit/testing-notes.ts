import { z } from "zod";

import { route } from "#platform/http/route.ts";
import { text } from "#platform/http/schema.ts";

import type { Service } from "./service.ts";

const adding = route({
  method: "POST",
  path: "/v1/notes",
  operationId: "addNote",
  tag: "Notes",
  summary: "Adds a note",
  rule: { allow: "signed-in" },
  body: z.strictObject({ words: text({ max: 100 }) }),
  idempotency: "optional",
  responses: { 201: { description: "Added" } },
  handle: ({ body, write }) =>
    write(async (tx) => {
      await tx.query("INSERT INTO notes (words) VALUES ($1)", [body.words]);
      return { status: 201 };
    }),
});

const counting = route({
  method: "GET",
  path: "/v1/notes",
  operationId: "countNotes",
  tag: "Notes",
  summary: "How many there are",
  rule: { allow: "signed-in" },
  responses: { 200: { description: "The count", body: z.strictObject({ n: z.int() }) } },
  async handle({ database }) {
    const [row] = await database.query("SELECT count(*) AS n FROM notes");
    return { status: 200, body: { n: Number(row?.["n"]) } };
  },
});

const finding = route({
  method: "GET",
  path: "/v1/notes/{words}",
  operationId: "findNote",
  tag: "Notes",
  summary: "Whether a note exists, and which server answered",
  rule: { allow: "signed-in" },
  reads: "replica",
  params: z.strictObject({ words: text({ max: 100 }) }),
  responses: {
    200: {
      description: "The result",
      body: z.strictObject({ there: z.boolean(), replica: z.boolean() }),
    },
  },
  async handle({ params, read }) {
    const [row] = await read.query(
      "SELECT pg_is_in_recovery() AS replica, EXISTS (SELECT FROM notes WHERE words = $1) AS there",
      [params.words],
    );
    return {
      status: 200,
      body: { there: row?.["there"] === true, replica: row?.["replica"] === true },
    };
  },
});

/** Notes that can be written, found in the primary or a replica, and counted. */
export const notes: Service = {
  name: "management",
  title: "Notes",
  description: "Notes",
  migrations: [{ id: "0001", sql: "CREATE TABLE notes (words text PRIMARY KEY, id bigserial)" }],
  jobs: [],
  events: [],
  open: () => Promise.resolve({ jobs: {}, routes: [adding, counting, finding] }),
};
