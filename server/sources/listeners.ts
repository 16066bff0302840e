import type { SourceStatus } from "#collectors/source.ts";
import { readActivity } from "#receivers/activity/activity-files.ts";
import type { StreamActivity } from "#receivers/activity/activity.ts";
import { listTokens } from "#receivers/tokens/token-file.ts";

/** Refused and lost events are a warning while they are recent. */
const RECENT_MS = 3_600_000;
const grouped = new Intl.NumberFormat("en");

/** What listens for pushed events: the addresses, and the state of each token and each protocol without tokens. */
export type Listeners = { addresses: string[]; statuses: SourceStatus[] };

/** The receivers that run on the data folder, and the tokens with which senders push to them. */
export function listenersOf(dataFolder: string, nowMs: number): Listeners {
  const running = readActivity(dataFolder, nowMs);
  const addresses = running.flatMap((receivers) => receivers.addresses);
  const streams = running.flatMap((receivers) => receivers.streams);
  const url = addresses.find((address) => address.startsWith("http://"));
  const tokens = listTokens(dataFolder).map(({ id, name }): SourceStatus => {
    const own = streams.filter(({ tokenId }) => tokenId === id);
    const source = `token/${name}`;
    const path = url === undefined ? source : `${url} with the token ${name}`;
    if (url !== undefined) return { path, source, ...stateOf(own, nowMs) };
    const message =
      "can send nothing, because no HTTP receiver runs: start Quarterdeck with QUARTERDECK_PUSH_PORT=4680";
    return { path, source, level: "warning", message };
  });
  const sockets = addresses
    .filter((address) => address !== url)
    .map((address): SourceStatus => {
      const [source = address] = address.split(":");
      const own = streams.filter(({ protocol }) => protocol === source);
      return { path: address, source, ...stateOf(own, nowMs) };
    });
  return { addresses, statuses: [...tokens, ...sockets] };
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
