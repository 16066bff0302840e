import type { SourceStatus } from "#collectors/source.ts";
import { readActivity } from "#receivers/activity/activity-files.ts";
import type { StreamActivity } from "#receivers/activity/activity.ts";
import { listTokens } from "#receivers/tokens/token-file.ts";

/** Refused and lost events are a warning while they are recent. */
const RECENT_MS = 3_600_000;
const grouped = new Intl.NumberFormat("en");

/** Where pushed events are received: its address, and the source that they name, which tokens do not decide here. */
type Listening = { source: string; address: string };

/** What listens for pushed events, and the state of each token and each listener. */
export type Listeners = { listening: Listening[]; statuses: SourceStatus[] };

/** The receivers that run on the data folder, and the tokens with which senders push to them. */
export function listenersOf(dataFolder: string, nowMs: number): Listeners {
  const running = readActivity(dataFolder, nowMs);
  const streams = running.flatMap((receivers) => receivers.streams);
  const bySetting = running
    .flatMap(({ addresses, problem: waitsFor }) =>
      addresses.map((address) => ({ address, waitsFor })),
    )
    .map((it) => ({ ...it, source: it.address.split(":")[0] ?? it.address, problem: null }));
  const http = bySetting.find(({ source }) => source === HTTP);
  const configured = running.flatMap(({ listeners, problem: waitsFor }) =>
    listeners.map((listener) => ({ ...listener, waitsFor })),
  );
  // Of several processes, which want the same port, one listens.
  const isOpen = new Set(configured.filter(({ problem }) => problem === null).map(sourceOf));
  const listeners = [
    ...bySetting.filter((it) => it !== http),
    ...configured.filter((it) => it.problem === null || !isOpen.has(it.source)),
  ];
  const statuses = listeners.map(({ source, address: path, problem, waitsFor }): SourceStatus => {
    if (problem !== null) {
      const message = `cannot listen: ${problem} It is tried again every few seconds.`;
      return { path, source, level: "error", message };
    }
    if (waitsFor !== undefined) {
      const message = `what arrives waits in memory, because ${waitsFor}`;
      return { path, source, level: "error", message };
    }
    const own = streams.filter((stream) => stream.source === source);
    return { path, source, ...stateOf(own, nowMs) };
  });
  const listening = [...(http ? [http] : []), ...listeners]
    .filter(({ problem }) => problem === null)
    .map(({ source, address }) => ({ source, address }));
  return {
    listening,
    statuses: [...tokenStatuses(dataFolder, { url: http?.address, streams, nowMs }), ...statuses],
  };
}

const HTTP = "http";
const sourceOf = ({ source }: { source: string }): string => source;

function tokenStatuses(
  dataFolder: string,
  about: { url: string | undefined; streams: readonly StreamActivity[]; nowMs: number },
): SourceStatus[] {
  const { url, streams, nowMs } = about;
  return listTokens(dataFolder).map(({ id, name }): SourceStatus => {
    const source = `token/${name}`;
    if (url !== undefined) {
      const own = streams.filter(({ tokenId }) => tokenId === id);
      return { path: `${url} with the token ${name}`, source, ...stateOf(own, nowMs) };
    }
    const message =
      "can send nothing, because no HTTP receiver runs: start Quarterdeck, without QUARTERDECK_PUSH_PORT=off";
    return { path: source, source, level: "warning", message };
  });
}

function stateOf(
  streams: readonly StreamActivity[],
  nowMs: number,
): Pick<SourceStatus, "level" | "message"> {
  const recent = streams.filter(({ lastMs }) => nowMs - lastMs < RECENT_MS);
  const sum = (count: (stream: StreamActivity) => number): number =>
    recent.reduce((total, stream) => total + count(stream), 0);
  const refused = sum((stream) => stream.refused);
  const dropped = sum((stream) => stream.dropped);
  const refusal = recent.find((stream) => stream.refusal !== "")?.refusal ?? "";
  const problems = [
    ...(refused > 0
      ? [`${grouped.format(refused)} events were refused, the latest because: ${refusal}`]
      : []),
    ...(dropped > 0
      ? [
          `${grouped.format(dropped)} events were lost: they could not be kept, and the sender cannot wait`,
        ]
      : []),
  ];
  const level = problems.length > 0 ? "warning" : "info";
  return { level, message: ["is listening", ...problems].join("; ") };
}
