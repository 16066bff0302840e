"use client";

import Link from "next/link";
import type { ReactNode } from "react";

import { formatExact, formatQuantity } from "../format.ts";
import { term } from "../search-terms.ts";
import { formatTime } from "../zone.ts";
import type { TileContext } from "./tile-context.ts";
import { Tile } from "./tile.tsx";

type TotalsTileProps = TileContext & { search: string };

/** Counts over the whole range. */
export function TotalsTile({ board, freshness, meaning, frame, search }: TotalsTileProps) {
  const { quarantined, values, comparison } = board;
  const valueOf = (metric: string): number => values[metric] ?? 0;
  const before = (metric: string, text: (value: number) => string): string | undefined => {
    const value = comparison?.values[metric];
    return value === null || value === undefined ? undefined : `was ${text(value)}`;
  };
  const loaded = board.live
    ? `over the range, as loaded at ${formatTime(board.atMs, frame.zone)}`
    : "over the range";
  return (
    <Tile name="totals" title="Totals" freshness={freshness} meaning={meaning} caption={loaded}>
      <dl className="totals">
        <Total
          name="Requests"
          value={formatExact(valueOf("requests"))}
          before={before("requests", formatExact)}
        />
        <Total
          name="Errors"
          value={formatExact(valueOf("errors"))}
          before={before("errors", formatExact)}
        />
        <Total
          name="Client errors"
          value={formatExact(valueOf("client_errors"))}
          before={before("client_errors", formatExact)}
        />
        <Total
          name="Sent"
          value={bytes(valueOf("bytes_sent"))}
          before={before("bytes_sent", bytes)}
          title={`${formatExact(valueOf("bytes_sent"))} bytes`}
        />
        <Total
          name="Quarantined lines"
          value={
            quarantined > 0 ? (
              <Link href={quarantineHref(search)} prefetch={false}>
                {formatExact(quarantined)}
              </Link>
            ) : (
              "0"
            )
          }
        />
      </dl>
    </Tile>
  );
}

const bytes = (value: number): string => formatQuantity(value, "bytes");

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
  title?: string;
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
