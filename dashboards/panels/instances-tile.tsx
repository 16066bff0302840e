"use client";

import { quantity } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import { FleetList } from "./fleet-list.tsx";
import { isFuture, NO_DATA_YET, type TileContext, valueOf } from "./tile-context.ts";
import { Tile } from "./tile.tsx";
import type { BoardFleet } from "./use-board-deploys.ts";

const NO_NAMES = "This log does not name the serving instance.";
const NAMES_MAX = 12;
const NAME_CHARACTERS_MAX = 60;

/** The instances that served requests, by name. */
export function InstancesTile(props: TileContext & { fleet: BoardFleet | undefined }) {
  const { board, live, freshness, meaning, over, fleet } = props;
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
      {fleet ? <FleetList fleet={fleet} /> : null}
    </Tile>
  );
}
