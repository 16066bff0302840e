import { Link } from "#dashboards/client/link.tsx";
import { Untrusted } from "#dashboards/untrusted.tsx";

import type { TrainView } from "../messages.ts";
import { Stand } from "../stand.tsx";

/** Releases of several workloads that have not ended, with the order of their deploys. */
export function Trains({ trains }: { trains: readonly TrainView[] }) {
  if (trains.length === 0) return null;
  return (
    <section aria-label="Release trains">
      <h2>Release trains</h2>
      {trains.map(({ id, name, cars }) => (
        <article key={id}>
          <h3>
            <Untrusted text={name} charactersMax={200} />
          </h3>
          <ul className="queue">
            {cars.map(({ workload, after, deploy }) => (
              <li key={workload}>
                <Link href={`/deploys/${deploy.id}`}>
                  <Untrusted text={`${workload} ${deploy.release}`} charactersMax={100} />
                </Link>{" "}
                <Stand deploy={deploy} />
                {after.length > 0 ? <span className="quiet"> after {after.join(", ")}</span> : null}
              </li>
            ))}
          </ul>
        </article>
      ))}
    </section>
  );
}
