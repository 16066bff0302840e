import { z } from "zod";

import type { Application, Content, Revision, RevisionFacts } from "../domain/application.ts";

/** A document written by this service: only its outer shape is checked, since the content was checked when written. */
const StoredContent = z.custom<Content>(
  (it) => typeof it === "object" && it !== null && "settings" in it && "flags" in it,
);

const Versions = z.record(z.string(), z.number());
const StoredApplication = z.object({
  name: z.string(),
  version: z.number(),
  versions: z.object({ settings: Versions, flags: Versions }),
  content: StoredContent,
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
});
const StoredFacts = z.object({
  application: z.string(),
  revision: z.number(),
  atMs: z.number(),
  by: z.string(),
  reason: z.string(),
});
const StoredRevision = StoredFacts.extend({ content: StoredContent });

/** @throws when the text is not a serialized application */
export const readApplication = (text: unknown): Application =>
  StoredApplication.parse(JSON.parse(String(text)));

/** Metadata of a revision for lists, stored separately because a content may be a megabyte. */
export const factsText = (revision: Revision): string =>
  JSON.stringify(StoredFacts.parse(revision));

/** @throws when the text is not a serialized revision or its metadata */
export const readFacts = (text: unknown): RevisionFacts =>
  StoredFacts.parse(JSON.parse(String(text)));

/** @throws when the text is not a serialized revision */
export const readRevision = (text: unknown): Revision =>
  StoredRevision.parse(JSON.parse(String(text)));
