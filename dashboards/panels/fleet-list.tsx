import { Link } from "../client/link.tsx";
import { formatExact } from "../format.ts";
import { Untrusted } from "../untrusted.tsx";
import type { BoardFleet } from "./use-board-deploys.ts";

const NAME_CHARACTERS_MAX = 60;

/** What the fleet runs, beside the instances that were seen in logs. */
export function FleetList({ fleet: { workloads, isOutdated } }: { fleet: BoardFleet }) {
  if (workloads.length === 0) return null;
  const total = workloads.reduce((sum, { running }) => sum + running, 0);
  return (
    <div className="fleet-list" data-testid="fleet">
      <p className="tile-caption">
        <Link href="/fleet" prefetch={false}>
          Fleet
        </Link>
        : {formatExact(total)} {isOutdated ? "ran when it was last read" : "running"}
      </p>
      <ul className="names">
        {workloads.map(({ workload, running, desired }) => (
          <li key={workload}>
            <Untrusted text={workload} charactersMax={NAME_CHARACTERS_MAX} /> {running} of {desired}
            {running < desired ? " ✕" : ""}
          </li>
        ))}
      </ul>
    </div>
  );
}
