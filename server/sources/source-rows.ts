import { filesKind } from "#collectors/configured/files-kind.ts";
import type { ConfiguredSource, SourcesFile } from "#collectors/configured/sources-file.ts";
import type { SourceStatus } from "#collectors/source.ts";
import { formatAge, formatSpan } from "#dashboards/format.ts";
import type { SourceRow, SourceState } from "#dashboards/sources/messages.ts";
import { PUSHED_EVENTS } from "#pipeline/ingest/pushed-status.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/quarantine.ts";
import type { SourceActivity } from "#pipeline/ingest/source-activity.ts";

/** Silence is reported after three times the usual gap, and at least half a minute. */
const SILENT = { gaps: 3, msMin: 30_000 };
/** Less than this is normal while a source is read. */
const BEHIND_MIN = { bytes: 1024 * 1024, objects: 100, messages: 1_000 };
/** A source whose events are older, and whose usual gap is not known, is idle when nothing arrives. */
const IDLE = { eventsMs: 15 * 60_000, arrivalMs: 30_000 };
const LEVELS = ["error", "warning", "info"] as const;
const PUSHED_KIND = { kind: "pushed", title: "Pushed events" };

export const NO_ACTIVITY: Omit<SourceActivity, "source"> = {
  isPushed: false,
  datasets: {},
  events: 0,
  quarantined: 0,
  bytes: 0,
  eventsPerSecond: 0,
  newestEventMs: null,
  arrivedMs: null,
  delayMs: null,
  usualGapMs: null,
};

/** What is known about the sources of a workspace. */
export type KnownSources = {
  statuses: readonly SourceStatus[];
  /** The states of what listens for pushed events. */
  receivers: readonly SourceStatus[];
  activities: readonly SourceActivity[];
  file: SourcesFile;
  /** Why events cannot be stored, and why pushed ones are not taken from the bus; null while they can. */
  storeError: string | null;
  busError: string | null;
  nowMs: number;
};

/** A source with its parts, those with problems first, and the events by dataset. */
export type SourceWithParts = {
  row: SourceRow;
  parts: readonly SourceStatus[];
  datasets: ReadonlyMap<string, number>;
  configured: ConfiguredSource | undefined;
};

/** All sources: those in the file, those that were named at start, and those whose events are pushed. */
export function sourcesOf(known: KnownSources): SourceWithParts[] {
  const { statuses, receivers, activities, file, nowMs } = known;
  const listening = new Set(receivers.map(({ source }) => source));
  // The receiver knows more of a pushed source than the one who reads its events.
  const others = statuses.filter(({ source }) => !listening.has(source));
  const partsOf = Map.groupBy([...others, ...receivers], ({ source, path }) => source ?? path);
  const activityOf = mergedActivities(activities);
  const configured = new Map(file.sources.map((source) => [source.id, source]));
  const isRemoved = (source: string): boolean =>
    activityOf.get(source)?.isPushed === true &&
    !configured.has(source) &&
    !listening.has(source) &&
    !isUnnamed(source);
  const names = [...new Set([...configured.keys(), ...partsOf.keys()])].filter(
    (source) => !isRemoved(source),
  );
  return names.map((source) => {
    const found = partsOf.get(source) ?? [];
    const parts = LEVELS.flatMap((level) => found.filter((part) => part.level === level));
    const activity = activityOf.get(source) ?? { source, ...NO_ACTIVITY };
    const isPushed = activity.isPushed || listening.has(source);
    const about = { source, parts, activity, isPushed, configured: configured.get(source), nowMs };
    const datasets = datasetsOf(parts, activity);
    const row = { ...rowOf(about, datasets), paused: pausedBy(known, isPushed) };
    return { row, parts, datasets, configured: about.configured };
  });
}

/** What names no token and no entry: senders without a name, and listeners of settings, such as syslog+udp. */
const isUnnamed = (source: string): boolean => source === PUSHED_EVENTS || source.includes("+");

type About = {
  source: string;
  parts: readonly SourceStatus[];
  activity: SourceActivity;
  isPushed: boolean;
  configured: ConfiguredSource | undefined;
  nowMs: number;
};

/** The reader of a source waits for the store; receivers answer senders with 503, or pause their connections. */
function pausedBy({ storeError, busError }: KnownSources, isPushed: boolean): string | null {
  if (storeError !== null) return `paused: events cannot be stored (${storeError})`;
  return isPushed && busError !== null ? `paused: ${busError}` : null;
}

function rowOf(about: About, datasets: ReadonlyMap<string, number>): Omit<SourceRow, "paused"> {
  const { source, parts, activity, configured } = about;
  const behind = behindOf(parts);
  const { kind, title, origin } = kindOf(about);
  return {
    source,
    kind,
    title,
    origin: configured ? "file" : origin,
    ...stateOf(about, { behind, hasEvents: datasets.size > 0 }),
    group: "",
    parts: parts.length,
    eventsPerSecond: activity.eventsPerSecond,
    events: activity.events,
    quarantined: datasets.get(QUARANTINE_DATASET) ?? activity.quarantined,
    newestEventMs: activity.newestEventMs,
    arrivedMs: activity.arrivedMs,
    delayMs: activity.delayMs,
    usualGapMs: activity.usualGapMs,
    behind,
    formats: [...datasets.keys()].filter((dataset) => dataset !== QUARANTINE_DATASET),
  };
}

type Kind = Pick<SourceRow, "kind" | "title" | "origin">;

function kindOf({ isPushed, configured }: About): Kind {
  if (configured) {
    const { kind, title } = configured.kind;
    return { kind, title, origin: "file" };
  }
  if (isPushed) return { ...PUSHED_KIND, origin: "pushed" };
  return { kind: filesKind.kind, title: filesKind.title, origin: "start" };
}

function stateOf(
  { parts, activity, nowMs }: About,
  { behind, hasEvents }: { behind: SourceRow["behind"]; hasEvents: boolean },
): { state: SourceState; reason: string } {
  const [first] = parts;
  const reason = first ? reasonOf(first) : "is not read yet";
  if (first?.level === "error") return { state: "failing", reason };
  if (first?.level === "warning") return { state: "warning", reason };
  if (isSilent(activity, nowMs)) return { state: "silent", reason: silenceReason(activity, nowMs) };
  if (behind && behind.left >= BEHIND_MIN[behind.unit]) return { state: "behind", reason };
  if (activity.arrivedMs === null && !hasEvents) return { state: "waiting", reason };
  const idle = idleReason(activity, nowMs);
  return idle === undefined ? { state: "receiving", reason } : { state: "idle", reason: idle };
}

function silenceReason({ arrivedMs, usualGapMs }: SourceActivity, nowMs: number): string {
  const quiet = formatSpan(nowMs - (arrivedMs ?? nowMs));
  return `nothing has arrived for ${quiet}, although the usual gap is up to ${formatSpan(usualGapMs ?? 0)}`;
}

function isSilent({ arrivedMs, usualGapMs }: SourceActivity, nowMs: number): boolean {
  if (arrivedMs === null || usualGapMs === null) return false;
  return nowMs - arrivedMs > Math.max(SILENT.msMin, SILENT.gaps * usualGapMs);
}

/** Undefined while events arrive. */
function idleReason(activity: SourceActivity, nowMs: number): string | undefined {
  const { arrivedMs, newestEventMs, usualGapMs } = activity;
  if (arrivedMs === null) return "has no new events since the indexer started";
  if (usualGapMs !== null || nowMs - arrivedMs < IDLE.arrivalMs) return undefined;
  const latestMs = Math.min(arrivedMs, newestEventMs ?? arrivedMs);
  if (nowMs - latestMs < IDLE.eventsMs) return undefined;
  return `has no new events; its newest one was ${formatAge(nowMs - (newestEventMs ?? arrivedMs))}`;
}

/** The state of the part, without how its lines were recognised. */
const reasonOf = ({ path, source, message, level, reason }: SourceStatus): string => {
  const text = reason ?? (level === "info" ? (message.split("; ")[0] ?? "") : message);
  return source === undefined || source === path ? text : `${path} ${text}`;
};

function behindOf(parts: readonly SourceStatus[]): SourceRow["behind"] {
  const known = parts.flatMap(({ progress }) =>
    progress?.total === undefined ? [] : [{ ...progress, total: progress.total }],
  );
  const unit = known[0]?.unit;
  if (unit === undefined) return null;
  const same = known.filter((progress) => progress.unit === unit);
  const left = same.reduce((sum, { read, total }) => sum + Math.max(0, total - read), 0);
  return { left, unit };
}

/** Those of its parts, which include earlier runs; of parts without streams of their own those of the source. */
function datasetsOf(parts: readonly SourceStatus[], activity: SourceActivity): Map<string, number> {
  const counts = new Map<string, number>();
  const known = parts.some(({ datasets }) => datasets !== undefined) ? parts : [activity];
  for (const { datasets = {} } of known) {
    for (const [dataset, events] of Object.entries(datasets)) {
      counts.set(dataset, (counts.get(dataset) ?? 0) + events);
    }
  }
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

/** Several indexers may read parts of the same source. */
function mergedActivities(all: readonly SourceActivity[]): Map<string, SourceActivity> {
  const merged = new Map<string, SourceActivity>();
  for (const activity of all) {
    const before = merged.get(activity.source);
    merged.set(activity.source, before ? mergedOf(before, activity) : activity);
  }
  return merged;
}

function mergedOf(a: SourceActivity, b: SourceActivity): SourceActivity {
  const latest = (b.arrivedMs ?? 0) > (a.arrivedMs ?? 0) ? b : a;
  const gaps = [a.usualGapMs, b.usualGapMs].filter((gap) => gap !== null);
  return {
    ...latest,
    events: a.events + b.events,
    quarantined: a.quarantined + b.quarantined,
    bytes: a.bytes + b.bytes,
    eventsPerSecond: a.eventsPerSecond + b.eventsPerSecond,
    newestEventMs: Math.max(a.newestEventMs ?? 0, b.newestEventMs ?? 0) || null,
    usualGapMs: gaps.length === 0 ? null : Math.min(...gaps),
  };
}
