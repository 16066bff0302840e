"use client";

import { Link } from "../client/link.tsx";
import { formatExact, quantity } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { isFuture, NO_DATA_YET, type TileContext, valueOf } from "./tile-context.ts";
import { Tile } from "./tile.tsx";
import type { BoardDeploys } from "./use-board-deploys.ts";

type Fleet = NonNullable<BoardDeploys["fleet"]>;

const NO_NAMES = "This log does not name the serving instance.";
const NAMES_MAX = 12;
const NAME_CHARACTERS_MAX = 60;

/** The instances that served requests, by name. */
export function InstancesTile(props: TileContext & { fleet: Fleet | undefined }) {
  const { board, live, freshness, meaning, over, fleet = [] } = props;
  const names = (live ?? board).instances;
  const count = valueOf({ board, live }, "instances_running");
  const more = names.length - NAMES_MAX;
  return (
    <Tile
      name="instances"
      title="Instances"
      freshness={freshness}
      meaning={meaning}
      value={quantity(names.length > 0 ? count : null, "count")}
      caption={names.length > 0 ? `answered, ${over}` : isFuture(board) ? NO_DATA_YET : NO_NAMES}
    >
      <ul className="names">
        {names.slice(0, NAMES_MAX).map((name) => (
          <li key={name}>
            <Untrusted text={name} charactersMax={NAME_CHARACTERS_MAX} />
          </li>
        ))}
        {more > 0 ? <li className="quiet">and {more} more</li> : null}
      </ul>
      {fleet.length > 0 ? <FleetList fleet={fleet} /> : null}
    </Tile>
  );
}

/** What the fleet runs, beside the instances that were seen in logs. */
function FleetList({ fleet }: { fleet: Fleet }) {
  const total = fleet.reduce((sum, { running }) => sum + running, 0);
  return (
    <div className="fleet-list" data-testid="fleet">
      <p className="tile-caption">
        <Link href="/fleet" prefetch={false}>
          Fleet
        </Link>
        : {formatExact(total)} running
      </p>
      <ul className="names">
        {fleet.map(({ workload, running, desired }) => (
          <li key={workload}>
            <Untrusted text={workload} charactersMax={NAME_CHARACTERS_MAX} /> {running} of {desired}
            {running < desired ? " ✕" : ""}
          </li>
        ))}
      </ul>
    </div>
  );
}
