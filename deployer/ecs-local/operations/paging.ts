import { z } from "zod";

import { EcsError } from "../protocol/ecs-error.ts";

const PAGE_MAX = 100;

/** Members of requests that list something. */
export const paging = {
  nextToken: z.string().optional(),
  maxResults: z.int().min(1).max(PAGE_MAX).optional(),
};

type Page = { nextToken?: string | undefined; maxResults?: number | undefined };

/**
 * The part of a list that was asked for. A token names the last item of the page before, so that no item is skipped or
 * doubled when others come and go in between.
 */
export function pageOf(
  all: readonly string[],
  { nextToken, maxResults = PAGE_MAX }: Page,
): { page: string[]; next: { nextToken?: string } } {
  const last = nextToken === undefined ? undefined : decode(nextToken);
  const from = last === undefined ? 0 : all.findIndex((it) => it === last) + 1;
  if (last !== undefined && from === 0) throw invalidToken();
  const page = all.slice(from, from + maxResults);
  const lastOfPage = page.at(-1);
  const hasMore = from + maxResults < all.length && lastOfPage !== undefined;
  return { page, next: hasMore ? { nextToken: encode(lastOfPage) } : {} };
}

/** The same for a sorted list, of which the item that the token names may have gone in the meantime. */
export function sortedPageOf(
  all: readonly string[],
  { nextToken, maxResults = PAGE_MAX }: Page,
): { page: string[]; next: { nextToken?: string } } {
  const last = nextToken === undefined ? "" : decode(nextToken);
  const rest = all.toSorted().filter((it) => it > last);
  const page = rest.slice(0, maxResults);
  const lastOfPage = page.at(-1);
  const hasMore = rest.length > maxResults && lastOfPage !== undefined;
  return { page, next: hasMore ? { nextToken: encode(lastOfPage) } : {} };
}

const encode = (text: string): string => Buffer.from(text).toString("base64url");

function decode(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith("arn:")) throw invalidToken();
  return text;
}

const invalidToken = (): EcsError =>
  new EcsError(
    "InvalidParameterException",
    "Invalid token: use the nextToken of the answer before.",
  );
