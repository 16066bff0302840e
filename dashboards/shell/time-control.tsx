"use client";

import { type FormEvent, type RefObject, useState } from "react";

import { systemClock } from "#platform/clock.ts";

import type { DatasetExtent } from "../api.ts";
import { useIsHydrated } from "../client/use-is-hydrated.ts";
import { useMenu } from "../client/use-menu.ts";
import type { RangeState } from "../client/use-range.ts";
import { formatSpan } from "../format.ts";
import {
  absolute,
  NEXT_HOURS,
  parseTimeRange,
  PRESETS,
  shiftRange,
  zoomOut,
} from "../time-range.ts";
import { formatRange, zoneName } from "../zone.ts";
import { CopyLink } from "./copy-link.tsx";

/** The displayed range, as resolved by the server. */
export type ShownRange = { fromMs: number; toMs: number; live: boolean; datasets: DatasetExtent[] };

type TimeControlProps = {
  range: RangeState;
  shown: ShownRange | undefined;
  field: RefObject<HTMLInputElement | null>;
};

/** The time range: a text field, presets, and steps back and forward. */
export function TimeControl({ range, shown, field }: TimeControlProps) {
  const label = shown ? labelOf(range, shown) : "…";
  const move = (to: typeof shiftRange, direction: -1 | 1): void => {
    if (shown) range.setRange(to(shown, direction));
  };
  return (
    <search className="time" aria-label="Time range">
      <button
        type="button"
        className="icon"
        aria-label="Earlier"
        onClick={() => move(shiftRange, -1)}
      >
        <span aria-hidden="true">‹</span>
      </button>
      <RangeField key={label} range={range} label={label} shown={shown} field={field} />
      <button type="button" className="icon" aria-label="Later" onClick={() => move(shiftRange, 1)}>
        <span aria-hidden="true">›</span>
      </button>
      <button
        type="button"
        className="icon"
        aria-label="Zoom out"
        onClick={() => shown && range.setRange(zoomOut(shown))}
      >
        <span aria-hidden="true">⤢</span>
      </button>
    </search>
  );
}

type RangeFieldProps = TimeControlProps & { label: string };

function RangeField({ range, label, shown, field }: RangeFieldProps) {
  const { menu, close } = useMenu();
  const [text, setText] = useState<string>();
  const [reason, setReason] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text === undefined || text === label) return field.current?.blur();
    const parsed = parseTimeRange(text, { nowMs: systemClock.nowMs(), zone: range.zone });
    if (!parsed.ok) return setReason(parsed.reason);
    range.setRange(parsed);
    setText(undefined);
    field.current?.blur();
  };
  return (
    <form className="time-field" onSubmit={submit}>
      <input
        ref={field}
        aria-label="Time range, such as last 2 hours"
        aria-invalid={reason !== undefined}
        aria-describedby={reason ? "time-reason" : undefined}
        spellCheck={false}
        autoComplete="off"
        value={text ?? label}
        onFocus={(event) => event.target.select()}
        onBlur={() => {
          setText(undefined);
          setReason(undefined);
        }}
        onChange={(event) => {
          setText(event.target.value);
          setReason(undefined);
        }}
      />
      {reason ? (
        <p id="time-reason" className="field-error" role="alert">
          {reason}
        </p>
      ) : null}
      <details className="menu" ref={menu}>
        <summary aria-label="Presets and time zone">
          <span aria-hidden="true">▾</span>
        </summary>
        <Presets range={range} shown={shown} close={close} />
      </details>
    </form>
  );
}

type PresetsProps = { range: RangeState; shown: ShownRange | undefined; close: () => void };

function Presets({ range, shown, close }: PresetsProps) {
  const choose = (chosen: Parameters<RangeState["setRange"]>[0]): void => {
    range.setRange(chosen);
    close();
  };
  const all = shown && extentOf(shown.datasets, range.dataset);
  const isHydrated = useIsHydrated();
  return (
    <div className="menu-body">
      <div className="presets">
        {PRESETS.map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={range.from === `now-${preset}`}
            onClick={() => choose({ from: `now-${preset}`, to: "now" })}
          >
            {preset}
          </button>
        ))}
      </div>
      <div className="presets wide">
        <button type="button" disabled={!all} onClick={() => all && choose(all)}>
          All data
        </button>
        <button type="button" onClick={() => choose(null)}>
          Automatic
        </button>
        <button
          type="button"
          aria-pressed={range.to === NEXT_HOURS.to}
          onClick={() => choose(NEXT_HOURS)}
        >
          Next 3 h, predicted
        </button>
      </div>
      <fieldset className="segments">
        <legend>Times in</legend>
        {(["local", "utc"] as const).map((zone) => (
          <label key={zone}>
            <input
              type="radio"
              name="zone"
              checked={range.zone === zone}
              onChange={() => range.setZone(zone)}
            />
            <span>
              {zone === "local" && !isHydrated ? "Local time" : zoneName(zone, shown?.toMs ?? 0)}
            </span>
          </label>
        ))}
      </fieldset>
      <CopyLink
        range={range}
        held={shown && absolute(shown.fromMs, shown.toMs)}
        live={shown?.live === true || (range.to?.startsWith("now+") ?? false)}
      />
    </div>
  );
}

function labelOf(range: RangeState, shown: ShownRange): string {
  const relative = /^now-(\d+)([smhd])$/.exec(range.from ?? "");
  const ahead = /^now\+(\d+)([smhd])$/.exec(range.to ?? "");
  if (ahead && range.from === "now") return `next ${ahead[1]}${ahead[2]}`;
  const zone = range.zone === "utc" ? " UTC" : "";
  if (relative && (range.to ?? "now") === "now") return `last ${relative[1]}${relative[2]}`;
  if (range.from === null && shown.live) return `last ${formatSpan(shown.toMs - shown.fromMs)}`;
  return `${formatRange(shown.fromMs, shown.toMs, range.zone)}${zone}`;
}

function extentOf(datasets: readonly DatasetExtent[], dataset: string | null) {
  const named = datasets.filter((one) => one.dataset === dataset && one.rows > 0);
  const some = named.length > 0 ? named : datasets.filter((one) => one.rows > 0);
  if (some.length === 0) return undefined;
  const fromMs = Math.min(...some.map((one) => one.fromMs));
  return absolute(fromMs, Math.max(...some.map((one) => one.toMs)) + 1);
}
