import type { FeedEvent } from "./events.ts";

/** A page of a service's feed. */
type FeedPage = { items: FeedEvent[]; next: string | null };

/** Reads the public `GET /v1/events` of another service. Rejects when it is unavailable. */
export type Feed = (cursor: string | null) => Promise<FeedPage>;
