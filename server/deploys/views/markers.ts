import { DeployMarker } from "#dashboards/deploys/markers.ts";
import type { EventDocument } from "#pipeline/store/port.ts";

/** What a history calls the moments that are marked. */
const KINDS: Readonly<Record<string, DeployMarker["kind"]>> = {
  "deploy-shifting": "begins",
  "deploy-succeeded": "succeeded",
  "deploy-rolled-back": "rolled-back",
  "deploy-failed": "failed",
  "deploy-aborted": "aborted",
  "deploy-expired": "expired",
};
export const MARKED_ACTIONS = Object.keys(KINDS);

/**
 * The markers of stored events, oldest first: when a release gets its first requests, and how its deploy ended. A deploy shifts
 * traffic in several steps, and an event may be stored twice.
 */
export function markersOf(events: readonly Pick<EventDocument, "fields">[]): DeployMarker[] {
  const markers = new Map<string, DeployMarker>();
  for (const { fields } of events) {
    const parsed = DeployMarker.safeParse({
      deploy: fields["labels.deploy"],
      workload: fields["service.name"],
      release: fields["service.version"],
      from: fields["labels.from"] || null,
      kind: KINDS[String(fields["event.action"])],
      atMs: Date.parse(String(fields["@timestamp"])),
    });
    if (!parsed.success) continue;
    const key = `${parsed.data.deploy} ${parsed.data.kind}`;
    const known = markers.get(key);
    if (known === undefined || parsed.data.atMs < known.atMs) markers.set(key, parsed.data);
  }
  return [...markers.values()].toSorted((a, b) => a.atMs - b.atMs);
}
