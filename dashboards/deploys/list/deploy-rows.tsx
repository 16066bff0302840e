import { Link } from "#dashboards/client/link.tsx";
import { formatQuantity } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { Ago } from "../ago.tsx";
import type { DeploySummary } from "../messages.ts";
import { Stand } from "../stand.tsx";
import { releasesText } from "../words.ts";

type RowsProps = { deploys: readonly DeploySummary[]; nowMs: number | undefined };

/** Deploys, newest first. */
export function DeployRows({ deploys, nowMs }: RowsProps) {
  return (
    <table className="cards">
      <caption className="visually-hidden">Deploys, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Deploy</th>
          <th scope="col">State</th>
          <th scope="col">By</th>
          <th scope="col">Created</th>
          <th scope="col" className="num">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {deploys.map((deploy) => (
          <DeployRow key={deploy.id} deploy={deploy} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

function DeployRow({ deploy, nowMs }: { deploy: DeploySummary; nowMs: number | undefined }) {
  const { id, workload, reason, outcome, isHeld, createdBy, createdAtMs, startedMs, doneMs } =
    deploy;
  const isReasonShown =
    reason !== null && (isHeld || (outcome !== null && outcome !== "succeeded"));
  const took = startedMs === null ? null : (doneMs ?? nowMs ?? startedMs) - startedMs;
  return (
    <tr>
      <th scope="row">
        <Link href={`/deploys/${id}`} data-deploy={id}>
          <Untrusted text={workload} charactersMax={60} />{" "}
          <Untrusted text={releasesText(deploy)} charactersMax={80} />
        </Link>
      </th>
      <td data-label="State">
        <Stand deploy={deploy} />
        {isReasonShown ? (
          <p className="quiet">
            <Untrusted text={reason} charactersMax={200} />
          </p>
        ) : null}
      </td>
      <td data-label="By">
        <Untrusted text={createdBy} charactersMax={60} />
      </td>
      <td data-label="Created">
        <Ago atMs={createdAtMs} nowMs={nowMs} />
      </td>
      <td data-label="Took" className="num">
        {formatQuantity(took, "ms")}
      </td>
    </tr>
  );
}
