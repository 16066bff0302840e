import type { SourceStatus } from "#collectors/source.ts";
import type { Hole, StoreProblem, StoreStatus } from "#pipeline/store/port.ts";
import type { Problem } from "#platform/problems.ts";

import type { WorkspaceStatus } from "../workspace.ts";
import { type ForecasterProblem, KINDS, type ProblemKind } from "./kinds.ts";
import { receiverProblems, type ReceiversState } from "./receiver-problems.ts";

/** The state of all parts of a control plane at one time; errors are null while there is none. */
export type Findings = {
  databaseError: string | null;
  storeError: string | null;
  store: StoreData;
  indexing: Omit<WorkspaceStatus, "lines" | "quarantined" | "dropped" | "indexers">;
  /** Whether an indexer runs, here or in another process. */
  hasIndexer: boolean;
  /** Whether the sources are simulated, so that only errors in them matter. */
  isDemo: boolean;
  forecasterProblem: ForecasterProblem | null;
  apis: ApisState;
  receivers: ReceiversState;
  /** Why no deploys are possible; null if they are, or are not used. */
  deploysProblem: string | null;
};

/** The domain APIs that do not serve, and the reason why none can be started. */
export type ApisState = { down: readonly string[]; error: string | null };

/** The number of problems of one kind that are listed; the others are counted. */
const LISTED_MAX = 20;

/** All present problems. Pure, so that boards, log, metrics and readiness cannot disagree. */
export function findProblems(findings: Findings): Problem[] {
  const { store, indexing, forecasterProblem, apis } = findings;
  return [
    one("database", prefixed("PostgreSQL", findings.databaseError)),
    one("store", prefixed("The event store", findings.storeError)),
    problemsOfStore({ ...store, problems: [...store.problems, ...indexing.storeProblems] }),
    one("ingest", prefixed("Events cannot be stored", indexing.storeError)),
    one("bus", prefixed("Pushed events", indexing.busError)),
    one("indexer", prefixed("The indexer", indexing.indexerFailure)),
    one("no_indexer", findings.hasIndexer ? null : "No indexer is connected."),
    limited(sourceProblems(indexing.sources, findings.isDemo)),
    limited(
      receiverProblems(findings.receivers).map((it) => problem(it.kind, it.message, it.name)),
    ),
    forecasterProblem ? one(forecasterProblem.kind, forecasterProblem.message) : [],
    one("api", prefixed("The domain APIs", apis.error)),
    one("deploys", findings.deploysProblem),
    apis.down.map((name) => problem("api", `The ${name} API does not serve.`, name)),
  ].flat();
}

/**
 * The problems of stored data, of which several processes may report the same. Holes stay in the charts until the
 * retention of their events ends; as problems they end when all damaged files were deleted.
 */
export function problemsOfStore({ problems, holes }: StoreData): Problem[] {
  const hasDamage = problems.some(({ kind }) => kind === "file");
  return limited([
    ...(hasDamage ? holes.map(holeProblem) : []),
    ...uniqueById(problems).map(storeProblem),
  ]);
}

/** What is known about the stored data. */
export type StoreData = Pick<StoreStatus, "problems" | "holes">;

const prefixed = (part: string, error: string | null): string | null =>
  error === null ? null : `${part}: ${error}`;

const one = (kind: ProblemKind, message: string | null): Problem[] =>
  message === null ? [] : [problem(kind, message)];

/** `name` distinguishes the problems of a kind. */
function problem(kind: ProblemKind, message: string, name?: string): Problem {
  return { ...KINDS[kind], id: name === undefined ? kind : `${kind}:${name}`, kind, message };
}

const STORE_KINDS = {
  file: "store_file",
  repaired: "repaired_file",
  upkeep: "store_upkeep",
  clock: "store_clock",
  space: "store_space",
} as const satisfies Record<StoreProblem["kind"], ProblemKind>;

const storeProblem = ({ id, kind, message }: StoreProblem): Problem =>
  problem(STORE_KINDS[kind], kind === "clock" ? message : `The store: ${message}`, id);

const uniqueById = (problems: readonly StoreProblem[]): StoreProblem[] => [
  ...new Map(problems.map((it) => [it.id, it])).values(),
];

function holeProblem({ fromMs, toMs, dataset, events }: Hole): Problem {
  const of = dataset === undefined ? "" : ` of ${dataset}`;
  const count = new Intl.NumberFormat("en").format(events);
  const message = `${count} events${of} from ${utc(fromMs)} to ${utc(toMs)} UTC cannot be read, so that numbers over this time may be incomplete.`;
  const name = `${dataset ?? ""} ${fromMs}-${toMs}`;
  return problem("missing_events", message, name);
}

/** "2026-05-17 10:00". */
const utc = (atMs: number): string => new Date(atMs).toISOString().slice(0, 16).replace("T", " ");

/** Several indexers may report a path: its most serious problem counts. */
function sourceProblems(sources: readonly SourceStatus[], isDemo: boolean): Problem[] {
  const byPath = new Map<string, Problem>();
  for (const { path, message, level } of sources) {
    if (level === "info" || (isDemo && level === "warning")) continue;
    if (byPath.get(path)?.level === "error") continue;
    byPath.set(path, { ...problem("source", `${path} ${message}`, path), level });
  }
  return [...byPath.values()];
}

/**
 * Of each kind at most some, errors first; the others are counted. The order of ids decides which, so that a different
 * order of findings neither starts nor ends problems.
 */
function limited(problems: readonly Problem[]): Problem[] {
  return [...Map.groupBy(problems, ({ kind }) => kind).values()].flatMap((same) => {
    if (same.length <= LISTED_MAX) return same;
    const sorted = same.toSorted(
      (a, b) => Number(b.level === "error") - Number(a.level === "error") || (a.id < b.id ? -1 : 1),
    );
    const [next, ...others] = sorted.slice(LISTED_MAX);
    if (!next) return sorted;
    const message = `${others.length + 1} more problems of this kind: ${next.summary}`;
    return [...sorted.slice(0, LISTED_MAX), { ...next, id: `${next.kind}:more`, message }];
  });
}
