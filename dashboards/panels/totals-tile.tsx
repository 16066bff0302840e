"use client";

import type { ReactNode } from "react";

import { Link } from "../client/link.tsx";
import { formatExact, formatQuantity } from "../format.ts";
import { term } from "../search-terms.ts";
import { formatTime } from "../zone.ts";
import { isFuture, NO_DATA_YET, type TileContext } from "./tile-context.ts";
import { Tile } from "./tile.tsx";

type TotalsTileProps = TileContext & { search: string };

/** Counts over the whole range. */
export function TotalsTile({ board, freshness, meaning, frame, search }: TotalsTileProps) {
  const { quarantined, values, comparison } = board;
  const isAhead = isFuture(board);
  const valueOf = (metric: string): number | null => values[metric] ?? null;
  const before = (metric: string, text: (value: number) => string): string | undefined => {
    const value = comparison?.values[metric];
    return value === null || value === undefined ? undefined : `was ${text(value)}`;
  };
  const loaded = board.live
    ? `over the range, as loaded at ${formatTime(board.atMs, frame.zone)}`
    : "over the range";
  const caption = isAhead ? NO_DATA_YET : loaded;
  return (
    <Tile name="totals" title="Totals" freshness={freshness} meaning={meaning} caption={caption}>
      <dl className="totals">
        <Total
          name="Requests"
          value={exact(valueOf("requests"))}
          before={before("requests", formatExact)}
        />
        <Total
          name="Errors"
          value={exact(valueOf("errors"))}
          before={before("errors", formatExact)}
        />
        <Total
          name="Client errors"
          value={exact(valueOf("client_errors"))}
          before={before("client_errors", formatExact)}
        />
        <Total
          name="Sent"
          value={bytes(valueOf("bytes_sent"))}
          before={before("bytes_sent", bytes)}
          title={isAhead ? undefined : `${exact(valueOf("bytes_sent"))} bytes`}
        />
        <Total
          name="Quarantined lines"
          value={
            quarantined > 0 ? (
              <Link href={quarantineHref(search)} prefetch={false}>
                {formatExact(quarantined)}
              </Link>
            ) : (
              exact(isAhead ? null : 0)
            )
          }
        />
      </dl>
    </Tile>
  );
}

const exact = (value: number | null): string => (value === null ? "–" : formatExact(value));
const bytes = (value: number | null): string => formatQuantity(value, "bytes");

/** Link to the quarantined lines, each with its reason. */
function quarantineHref(search: string): string {
  const query = new URLSearchParams(search);
  query.set("q", term("data_stream.dataset", "quarterdeck.quarantine"));
  return `/explore?${query.toString()}`;
}

type TotalProps = {
  name: string;
  value: ReactNode;
  /** The value in the compared period. */
  before?: string | undefined;
  title?: string | undefined;
};

function Total({ name, value, before, title }: TotalProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={`total-${name.toLowerCase().replaceAll(" ", "-")}`} title={title}>
        {value}
      </dd>
      {before === undefined ? null : <dd className="quiet before">{before}</dd>}
    </div>
  );
}
