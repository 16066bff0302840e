"use client";

import type { Board } from "../api.ts";
import { Link } from "../client/link.tsx";
import { formatExact, formatQuantity } from "../format.ts";
import { term, withTerm } from "../search-terms.ts";
import { Untrusted } from "../untrusted.tsx";
import { type Freshness, Tile } from "./tile.tsx";

type TopRoutesTileProps = {
  routes: Board["topRoutes"];
  /** The maximum by which each number is too small; 0 if they are exact. */
  shortfallMax: number;
  caption: string;
  /** Shown without routes. */
  nothing: string;
  freshness: Freshness;
  meaning: string | undefined;
  /** The page's range as a query string, for links to the same time. */
  search: string;
};

const ROUTE_CHARACTERS_MAX = 200;
const ERROR_RATIO_NOTABLE = 0.01;

export function TopRoutesTile(props: TopRoutesTileProps) {
  const { routes, shortfallMax, caption, nothing, freshness, meaning, search } = props;
  return (
    <Tile
      name="routes"
      title="Top routes"
      freshness={freshness}
      meaning={meaning}
      caption={caption}
    >
      {routes.length === 0 ? (
        <p className="quiet">{nothing}</p>
      ) : (
        <RoutesTable routes={routes} search={search} />
      )}
      {shortfallMax > 0 ? (
        <p className="quiet">
          There are very many routes: each number may be up to {formatExact(shortfallMax)} higher.
        </p>
      ) : null}
    </Tile>
  );
}

function RoutesTable({ routes, search }: Pick<TopRoutesTileProps, "routes" | "search">) {
  const requestsMax = Math.max(1, ...routes.map((route) => route.requests));
  return (
    <table className="routes">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col" className="num">
            requests
          </th>
          <th scope="col" className="num">
            errors
          </th>
          <th scope="col" className="num">
            p95
          </th>
        </tr>
      </thead>
      <tbody>
        {routes.map((route) => (
          <tr key={route.route}>
            <th scope="row">
              <Link href={exploreHref(route.route, search)} prefetch={false}>
                <Untrusted text={route.route} charactersMax={ROUTE_CHARACTERS_MAX} />
              </Link>
              <meter
                aria-hidden="true"
                className="bar"
                min={0}
                max={requestsMax}
                value={route.requests}
              />
            </th>
            <td className="num">{formatQuantity(route.requests, "count")}</td>
            <td className="num">
              <ErrorShare errors={route.errors} requests={route.requests} />
            </td>
            <td className="num">{formatQuantity(route.p95Ms, "ms")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ErrorShare({ errors, requests }: { errors: number; requests: number }) {
  const ratio = requests > 0 ? errors / requests : null;
  const notable = ratio !== null && ratio >= ERROR_RATIO_NOTABLE;
  return (
    <span className={notable ? "error-text" : undefined}>
      {notable ? <span aria-hidden="true">▲ </span> : null}
      {formatQuantity(ratio, "ratio")}
    </span>
  );
}

function exploreHref(route: string, search: string): string {
  const query = new URLSearchParams(search);
  query.set("q", withTerm(query.get("q") ?? "", term("route", route)));
  return `/explore?${query.toString()}`;
}
