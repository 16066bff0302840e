import { accessSync, constants } from "node:fs";

import { z } from "zod";

import { SecretFinder } from "#collectors/redaction/find-secrets.ts";
import { SECRET_KINDS, type SecretKind } from "#collectors/redaction/kinds.ts";
import { redactedText } from "#collectors/redaction/redact.ts";
import { AppError } from "#platform/errors.ts";

import { DATASET_BYTES_MAX, OVERFLOW_DATASET } from "../datasets.ts";
import { QUARANTINE_DATASET } from "../ingest/quarantine.ts";
import { parseQuery } from "../query-language.ts";
import { SALT_PERIODS } from "./salt.ts";

const RULES_MAX = 200;

const Datasets = z
  .array(z.string().min(1).max(DATASET_BYTES_MAX))
  .min(1, { error: "name at least one dataset, or leave it out for all datasets" })
  .default(["*"]);

const Redact = z.strictObject({
  /** Names of datasets, in which `*` stands for any text. */
  datasets: Datasets,
  kinds: z
    .array(z.enum(SECRET_KINDS, { error: `write one of: ${SECRET_KINDS.join(", ")}` }))
    .default([...SECRET_KINDS]),
});

/** The name of a rule, which is stored with its counts. */
const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}$/, {
  error: "give a name of at most 60 letters, digits, blanks, dots, dashes and underscores",
});

const Where = z.string().superRefine((text, context) => {
  try {
    parseQuery(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

/** Events of these datasets that match the search. One of the two has to be given, so that a mistake does not drop everything. */
const Selected = { name: Name, datasets: Datasets, where: Where.default("") };
const selectsSome = ({ datasets, where }: { datasets: string[]; where: string }): boolean =>
  where.trim() !== "" || !datasets.includes("*");
const SELECT = { error: "give datasets, or where with a search, to select events" };

const Drop = z.strictObject(Selected).refine(selectsSome, SELECT);
const Sample = z
  .strictObject({
    ...Selected,
    keepOneIn: z
      .int({ error: "give a whole number from 2 on, such as 10 to keep a tenth" })
      .min(2, { error: "give a whole number from 2 on, such as 10 to keep a tenth" })
      .max(1_000_000),
  })
  .refine(selectsSome, SELECT);

/** Fields that identify a person. */
const HASHABLE = ["user.id", "user.name", "session.id", "source.address", "source.ip"] as const;

const Hash = z.strictObject({
  datasets: Datasets,
  fields: z
    .array(z.enum(HASHABLE, { error: `write one of: ${HASHABLE.join(", ")}` }))
    .min(1, { error: "name at least one field, or leave it out for user.id and user.name" })
    .default(["user.id", "user.name"]),
});

const Mmdb = z.string().superRefine((path, context) => {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: "custom", message: `give the path of an MMDB file (${why})` });
  }
});

/** What happens to events before they are stored: docs/processing.md describes it. */
export const Processing = z.strictObject({
  /** The first rule whose datasets match decides. */
  redact: z.array(Redact).max(RULES_MAX).default([]),
  /** Drop and sample: the first rule that matches an event decides. */
  drop: z.array(Drop).max(RULES_MAX).default([]),
  sample: z.array(Sample).max(RULES_MAX).default([]),
  /** Whether `user_agent.name` and others are derived from `user_agent.original`. */
  userAgents: z.boolean({ error: "write true or false" }).default(false),
  /** Whether identifiers in routes that do not look like one are learnt from paths. */
  learnRoutes: z.boolean({ error: "write true or false" }).default(false),
  /** MMDB files, from which `source.geo.*` and `source.as.*` are derived. */
  geo: z.strictObject({ country: Mmdb.optional(), asn: Mmdb.optional() }).default({}),
  /** The first rule whose datasets match decides. */
  hash: z.array(Hash).max(RULES_MAX).default([]),
  /** How long the salt of hashes stays the same. */
  saltPeriod: z
    .enum(SALT_PERIODS, { error: `write one of: ${SALT_PERIODS.join(", ")}` })
    .default("day"),
});

/** Plain data, because it is sent to the thread of the indexer. */
export type Processing = z.output<typeof Processing>;

export const NO_PROCESSING: Processing = Processing.parse({});

/**
 * The kinds of secrets that are redacted in each dataset. Lines whose dataset is not known, because no format can parse them or
 * because there are too many datasets, are redacted by all rules.
 */
export function redactionRules({
  redact,
}: Pick<Processing, "redact">): (dataset: string) => SecretKind[] {
  const rules = redact.map(({ datasets, kinds }) => ({ kinds, has: datasetMatcher(datasets) }));
  const all = allKinds({ redact });
  return (dataset) =>
    isOwnDataset(dataset) ? all : (rules.find(({ has }) => has(dataset))?.kinds ?? []);
}

/** The datasets of lines that no format can parse, and of events of too many datasets. */
export const isOwnDataset = (dataset: string): boolean =>
  dataset === QUARANTINE_DATASET || dataset === OVERFLOW_DATASET;

/** The kinds of all rules. */
export const allKinds = ({ redact }: Pick<Processing, "redact">): SecretKind[] => [
  ...new Set(redact.flatMap(({ kinds }) => kinds)),
];

/** Replaces the secrets of all rules in texts for people; undefined if there are no rules. */
export function textRedactor(
  processing: Pick<Processing, "redact"> | undefined,
): ((text: string) => string) | undefined {
  if (!processing || processing.redact.length === 0) return undefined;
  const finder = new SecretFinder(new Set(allKinds(processing)));
  return (text) => redactedText(finder, text);
}

/** Whether a dataset has one of these names, in which `*` stands for any text. */
export function datasetMatcher(patterns: readonly string[]): (dataset: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`, "s");
  });
  return (dataset) => expressions.some((expression) => expression.test(dataset));
}
