"use client";

import { useState } from "react";

import type { Board } from "../api.ts";
import { formatExact } from "../format.ts";
import { visibleText } from "../untrusted-text.ts";

type DatasetChooserProps = Pick<Board, "dataset" | "datasets" | "datasetsTotal"> & {
  choose: (dataset: string) => void;
};

/** With more datasets than this, a box filters the list. */
const UNFILTERED_MAX = 20;

/** Chooses the dataset of the board. Of very many datasets only the largest are listed; others are chosen by name. */
export function DatasetChooser({ dataset, datasets, datasetsTotal, choose }: DatasetChooserProps) {
  const [text, setText] = useState("");
  const filled = datasets.filter((one) => one.rows > 0);
  const shown = filled.filter((one) => one.dataset === dataset || one.dataset.includes(text));
  return (
    <div className="dataset">
      {filled.length > UNFILTERED_MAX ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (text !== "") choose(shown.find((one) => one.dataset !== dataset)?.dataset ?? text);
          }}
        >
          <input
            type="search"
            value={text}
            maxLength={200}
            aria-label="Filter datasets"
            placeholder={filterHint(filled.length, datasetsTotal)}
            onChange={(event) => setText(event.target.value)}
          />
        </form>
      ) : null}
      <label>
        <span className="visually-hidden">Dataset</span>
        <select value={dataset ?? ""} onChange={(event) => choose(event.target.value)}>
          {shown.map((one) => (
            <option key={one.dataset} value={one.dataset}>
              {visibleText(one.dataset)} · {formatExact(one.rows)}{" "}
              {one.rows === 1 ? "event" : "events"}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

const filterHint = (listed: number, total: number): string =>
  total > listed
    ? `filter, or name one of ${formatExact(total)} datasets`
    : `filter ${formatExact(total)} datasets`;
