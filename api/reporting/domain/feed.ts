import type { FeedEvent } from "./events.ts";

/** A page of a service's feed. */
type FeedPage = { items: FeedEvent[]; next: string | null };

/** Where events of another service come from: its public `GET /v1/events`. Rejects when it cannot be read now. */
export type Feed = (cursor: string | null) => Promise<FeedPage>;
