import { z } from "zod";

import { AppError } from "#platform/errors.ts";

import { FeedEvent } from "../domain/events.ts";
import type { Feed } from "../domain/feed.ts";

const PAGE = 100;
const WAIT_MS_MAX = 10_000;
const Page = z.object({ items: z.array(FeedEvent).max(1_000), next: z.string().nullable() });

/** Reads the public feed of a service over HTTP. */
export function httpFeed(options: { url: string; token: string }): Feed {
  return async (cursor) => {
    const url = new URL("/v1/events", options.url);
    url.searchParams.set("limit", String(PAGE));
    if (cursor !== null) url.searchParams.set("cursor", cursor);
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${options.token}`, accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(WAIT_MS_MAX),
    }).catch((error: unknown) => {
      throw unreadable(url, error instanceof Error ? error.message : String(error), error);
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw unreadable(url, `it answered ${response.status}`);
    }
    const page = Page.safeParse(await response.json().catch(() => undefined));
    if (!page.success) throw unreadable(url, "the response is not a page of events", page.error);
    return page.data;
  };
}

function unreadable(url: URL, why: string, cause?: unknown): AppError {
  const message = `${url.origin}${url.pathname} cannot be read: ${why}`;
  return new AppError("unavailable", message, { cause });
}
