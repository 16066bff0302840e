import type { ValueSchema } from "./value-schema.ts";

/** Where a value counts: everywhere, for a product, in an environment, or for a product in an environment. */
export type Scope = { product?: string | undefined; environment?: string | undefined };

/** A scope as a key: `web/production`, with `*` for "all". */
export type ScopeKey = string;

export type Definition = {
  description: string;
  schema: ValueSchema;
  /** What counts where no value is set; absent: the setting is then unset. */
  default?: unknown;
  /** What to use instead, or why it goes away. */
  deprecated?: string | undefined;
};

export type Setting = { definition: Definition; values: Readonly<Record<ScopeKey, unknown>> };

type FlagRule = Scope & {
  /** 0 to 100 in steps of 0.01, what is between them counts as the lower one: of all accounts. */
  percentage: number;
};

export type Flag = {
  description: string;
  /** Off turns it off for everybody, whatever the rest says. */
  on: boolean;
  /** Accounts that never have it; stronger than `allow`. */
  deny: string[];
  /** Accounts that always have it. */
  allow: string[];
  /** The first rule that fits the product and environment decides; none: off. */
  rules: FlagRule[];
};

/** Everything of an application that a revision changes. */
export type Content = {
  description: string;
  settings: Readonly<Record<string, Setting>>;
  flags: Readonly<Record<string, Flag>>;
};

/** Of an application that is not there. */
export const EMPTY: Content = { description: "", settings: {}, flags: {} };

/** An application as it is now. */
export type Application = {
  name: string;
  /** The number of its last revision. */
  version: number;
  /** By key: the revision that changed the setting or flag last, which is its own version. */
  versions: { settings: Readonly<Record<string, number>>; flags: Readonly<Record<string, number>> };
  content: Content;
  /** Epoch ms. */
  createdAtMs: number;
  updatedAtMs: number;
};

/** One change of an application: who, when, why. */
export type RevisionFacts = {
  application: string;
  /** From 1, without gaps. */
  revision: number;
  /** Epoch ms. */
  atMs: number;
  /** `acc_…`, `svc_…` or `root`. */
  by: string;
  reason: string;
};

/** And what: the content after it. */
export type Revision = RevisionFacts & { content: Content };

export const scopeKey = (scope: Scope): ScopeKey =>
  `${scope.product ?? "*"}/${scope.environment ?? "*"}`;

export function scopeOf(key: ScopeKey): Scope {
  const [product = "*", environment = "*"] = key.split("/");
  return {
    ...(product === "*" ? {} : { product }),
    ...(environment === "*" ? {} : { environment }),
  };
}

/** The value of an own property: names such as `constructor` are no settings unless somebody defined them. */
export function own<Value>(
  record: Readonly<Record<string, Value>>,
  key: string,
): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** A record without one of its keys. */
export function without<Value>(
  record: Readonly<Record<string, Value>>,
  key: string,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
