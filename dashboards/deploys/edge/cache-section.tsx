"use client";

import { useState } from "react";

import { formatExact, formatQuantity } from "#dashboards/format.ts";
import { Untrusted } from "#dashboards/untrusted.tsx";

import { ColourName } from "../colour-name.tsx";
import type { CacheView } from "../edge-messages.ts";
import { BanForm } from "./ban-form.tsx";

type CacheProps = { cache: CacheView; mayBan: boolean };

/** What the caches have, how often they answered, and the form that removes responses. */
export function CacheSection({ cache: { nodes, lanes }, mayBan }: CacheProps) {
  const [isOpen, setOpen] = useState(false);
  const used = lanes.filter(({ hits, misses }) => hits + misses > 0);
  return (
    <section aria-label="Cache">
      <div className="deploys-list-head">
        <h2>Cache</h2>
        {mayBan && !isOpen ? (
          <button type="button" onClick={() => setOpen(true)}>
            Remove responses …
          </button>
        ) : null}
      </div>
      <ul className="cache-nodes">
        {nodes.map(({ id, objects, bytes }) => (
          <li key={id}>
            <b>{id}</b> {objects === null ? "–" : formatExact(objects)} responses,{" "}
            {formatQuantity(bytes, "bytes")}
          </li>
        ))}
      </ul>
      {isOpen ? <BanForm onClose={() => setOpen(false)} /> : null}
      {used.length === 0 ? (
        <p className="quiet">No request of the last hour could be answered from a cache.</p>
      ) : (
        <Hits lanes={used} />
      )}
    </section>
  );
}

/** Hits and misses by workload and colour. */
function Hits({ lanes }: Pick<CacheView, "lanes">) {
  return (
    <table className="cards">
      <caption className="visually-hidden">Hits of the last hour by workload and colour</caption>
      <thead>
        <tr>
          <th scope="col">Workload</th>
          <th scope="col">Colour</th>
          <th scope="col" className="num">
            Hit ratio, last hour
          </th>
          <th scope="col" className="num">
            Hits
          </th>
          <th scope="col" className="num">
            Misses
          </th>
        </tr>
      </thead>
      <tbody>
        {lanes.map(({ workload, colour, hits, misses }) => (
          <tr key={`${workload} ${colour}`}>
            <th scope="row">
              <Untrusted text={workload} charactersMax={60} />
            </th>
            <td data-label="Colour">
              <ColourName colour={colour} />
            </td>
            <td data-label="Hit ratio" className="num">
              {formatQuantity(hits / (hits + misses), "ratio")}
            </td>
            <td data-label="Hits" className="num">
              {formatExact(hits)}
            </td>
            <td data-label="Misses" className="num">
              {formatExact(misses)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
