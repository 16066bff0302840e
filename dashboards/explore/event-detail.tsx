"use client";

import { EventDocument } from "../api.ts";
import { useResource } from "../client/use-resource.ts";
import { Failed } from "../panels/message.tsx";
import { term } from "../search-terms.ts";
import { fieldText } from "../untrusted-text.ts";
import { Untrusted } from "../untrusted.tsx";
import { formatDateTime, type Zone } from "../zone.ts";
import { summaryOf, timeOf } from "./event-summary.ts";
import { Copy, Tool } from "./field-tools.tsx";
import { OriginalLine } from "./original-line.tsx";
import { SurroundingEvents } from "./surroundings-list.tsx";

type EventDetailProps = {
  id: string;
  /** The event from the list, because an event that was just pushed may not be stored yet. */
  known: EventDocument | undefined;
  zone: Zone;
  onTerm: (term: string) => void;
  onOpen: (event: EventDocument) => void;
  /** The fields that the list shows as columns. */
  columns: readonly string[];
  onColumns: (columns: readonly string[]) => void;
  onClose: () => void;
};

const TITLE_CHARACTERS_MAX = 160;
/** Longer values have no filter button, because the query would exceed the length of a URL. */
const FILTER_CHARACTERS_MAX = 500;

/** The details of an event: every field, and the original line. */
export function EventDetail(props: EventDetailProps) {
  const { id, known, zone, onTerm, onOpen, columns, onColumns, onClose } = props;
  const toggleColumn = (field: string): void =>
    onColumns(
      columns.includes(field) ? columns.filter((one) => one !== field) : [...columns, field],
    );
  const stored = useResource(EventDocument, `/api/event?id=${encodeURIComponent(id)}`);
  const data = stored.data ?? (known?.id === id ? known : undefined);
  const problem = data ? undefined : stored.problem;
  const atMs = data ? timeOf(data) : null;
  return (
    <aside className="detail" aria-label="Event in full" data-testid="event-detail">
      <header>
        <h2>
          {atMs === null ? "Event" : `${formatDateTime(atMs, zone)}${zone === "utc" ? " UTC" : ""}`}
        </h2>
        <button type="button" className="icon" aria-label="Close the event" onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {problem ? <Failed problem={problem} retry={stored.reload} /> : null}
      {data ? (
        <>
          <p className="detail-summary">
            <Untrusted text={summaryOf(data)} charactersMax={TITLE_CHARACTERS_MAX} />
          </p>
          <OriginalLine id={id} field={data.fields["event.original"]} />
          <dl className="fields">
            {Object.entries(data.fields)
              .filter(([, value]) => value !== null && value !== undefined)
              .filter(([field]) => field !== "event.original")
              .toSorted(([a], [b]) => a.localeCompare(b))
              .map(([field, value]) => (
                <Field
                  key={field}
                  field={field}
                  value={value}
                  onTerm={onTerm}
                  onColumn={toggleColumn}
                />
              ))}
          </dl>
          <SurroundingEvents event={data} zone={zone} onOpen={onOpen} />
        </>
      ) : null}
    </aside>
  );
}

type FieldProps = {
  field: string;
  value: unknown;
  onTerm: (term: string) => void;
  onColumn: (field: string) => void;
};

function Field({ field, value, onTerm, onColumn }: FieldProps) {
  const text = fieldText(value);
  const filters = text.length <= FILTER_CHARACTERS_MAX && typeof value !== "object";
  return (
    <div className="field">
      <dt>
        <Untrusted text={field} charactersMax={120} />
      </dt>
      <dd>
        <Untrusted text={text} expandable />
        <span className="field-tools">
          {filters ? (
            <>
              <Tool
                label={`Only ${field} with this value`}
                glyph="+"
                onPress={() => onTerm(term(field, text))}
              />
              <Tool
                label={`Without this ${field}`}
                glyph="−"
                onPress={() => onTerm(`-${term(field, text)}`)}
              />
            </>
          ) : null}
          <Tool label={`${field} as a column`} glyph="▥" onPress={() => onColumn(field)} />
          <Copy label={`Copy ${field}`} text={text} />
        </span>
      </dd>
    </div>
  );
}
