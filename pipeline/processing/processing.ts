import { z } from "zod";

import { SECRET_KINDS, type SecretKind } from "#collectors/redaction/kinds.ts";

import { DATASET_BYTES_MAX, OVERFLOW_DATASET } from "../datasets.ts";
import { QUARANTINE_DATASET } from "../ingest/quarantine.ts";

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

/** What happens to events before they are stored: docs/processing.md describes it. */
export const Processing = z.strictObject({
  /** The first rule whose datasets match decides. */
  redact: z.array(Redact).max(RULES_MAX).default([]),
});

/** Plain data, because it is sent to the thread of the indexer. */
export type Processing = z.output<typeof Processing>;

export const NO_PROCESSING: Processing = Processing.parse({});

/**
 * The kinds of secrets that are redacted in each dataset. Lines whose dataset is not known, because no format can parse them or
 * because there are too many datasets, are redacted by all rules.
 */
export function redactionRules({ redact }: Processing): (dataset: string) => SecretKind[] {
  const rules = redact.map(({ datasets, kinds }) => ({ kinds, has: datasetMatcher(datasets) }));
  const all = allKinds({ redact });
  return (dataset) =>
    isUnknown(dataset) ? all : (rules.find(({ has }) => has(dataset))?.kinds ?? []);
}

const isUnknown = (dataset: string): boolean =>
  dataset === QUARANTINE_DATASET || dataset === OVERFLOW_DATASET;

/** The kinds of all rules. */
export const allKinds = ({ redact }: Pick<Processing, "redact">): SecretKind[] => [
  ...new Set(redact.flatMap(({ kinds }) => kinds)),
];

/** Whether a dataset has one of these names, in which `*` stands for any text. */
export function datasetMatcher(patterns: readonly string[]): (dataset: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`, "s");
  });
  return (dataset) => expressions.some((expression) => expression.test(dataset));
}
