"use client";

import { type ReactNode, useId, useState } from "react";

import { formatAge, type Quantity } from "../format.ts";

/** The age of a tile's data, by the server's clock. */
export type Freshness = {
  newestEventMs: number | null;
  nowMs: number | undefined;
  /** Whether live data has stopped: shown as a word and by hatching, never as zero. */
  stale: boolean;
};

export type TileProps = {
  name: string;
  title: string;
  freshness: Freshness;
  /** The metric's definition; absent until the catalogue has loaded. */
  meaning?: string | undefined;
  value?: Quantity;
  caption?: ReactNode;
  children?: ReactNode;
  /** The chart as a table. */
  table?: ReactNode;
  actions?: ReactNode;
};

/** One metric: number, chart, age of its data, definition. */
export function Tile(props: TileProps) {
  const { name, title, freshness, meaning, value, caption, children, table, actions } = props;
  const [explained, setExplained] = useState(false);
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  return (
    <section
      className="tile"
      aria-labelledby={id}
      data-testid={`tile-${name}`}
      data-newest-event-ms={freshness.newestEventMs ?? undefined}
      data-stale={freshness.stale || undefined}
      style={{ gridArea: name }}
    >
      <header className="tile-head">
        <h2 id={id}>{title}</h2>
        <Age freshness={freshness} />
        <div className="tile-tools">
          {actions}
          {meaning ? (
            <IconButton
              label={`How is ${title.toLowerCase()} counted?`}
              glyph="?"
              pressed={explained}
              onPress={setExplained}
            />
          ) : null}
          {table ? (
            <IconButton
              label={`${title} as a table`}
              glyph="≡"
              pressed={asTable}
              onPress={setAsTable}
            />
          ) : null}
        </div>
      </header>
      {explained ? <p className="tile-meaning">{meaning}</p> : null}
      {value ? <Value value={value} /> : null}
      {caption ? <div className="tile-caption">{caption}</div> : null}
      <div className="tile-body">{asTable ? table : children}</div>
    </section>
  );
}

function Value({ value }: { value: Quantity }) {
  return (
    <p className="value" data-testid="value">
      <span className="value-number">{value.number}</span>
      {value.unit ? <span className="value-unit"> {value.unit}</span> : null}
    </p>
  );
}

function Age({ freshness: { newestEventMs, nowMs, stale } }: { freshness: Freshness }) {
  if (newestEventMs === null) return <span className="age">no data yet</span>;
  const age = nowMs === undefined ? "" : formatAge(Math.max(0, nowMs - newestEventMs));
  return (
    <span className="age" title="Age of the newest event">
      {stale ? <b className="stale-word">stale · </b> : null}
      {age}
    </span>
  );
}

type IconButtonProps = {
  label: string;
  glyph: string;
  pressed: boolean;
  onPress: (pressed: boolean) => void;
};

function IconButton({ label, glyph, pressed, onPress }: IconButtonProps) {
  return (
    <button
      type="button"
      className="icon"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={() => onPress(!pressed)}
    >
      <span aria-hidden="true">{glyph}</span>
    </button>
  );
}
