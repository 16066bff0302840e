import { z } from "zod";

import { type MemberRule, memberRoute } from "#access/route.ts";
import type { TimeRange } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import type { EventDocument, EventReader, SearchRequest } from "#pipeline/store/port.ts";
import type { Route } from "#platform/http/route.ts";

import { csvLine } from "./csv.ts";
import { type EventRoutesDeps, FOLLOW_EVENTS, parseSearch, Search } from "./events.ts";

const PAGE_EVENTS = 1_000;

/** The columns of a CSV file without chosen ones. */
const CSV_FIELDS = [
  "@timestamp",
  "data_stream.dataset",
  "log.level",
  "http.request.method",
  "url.original",
  "http.response.status_code",
  "event.duration",
  "http.response.body.bytes",
  "source.address",
  "user_agent.original",
  "message",
  "event.original",
];

const FORMATS = {
  csv: { media: "text/csv; charset=utf-8", name: "events.csv" },
  ndjson: { media: "application/x-ndjson", name: "events.ndjson" },
} as const;

export const exportRoutes = (deps: EventRoutesDeps): Route<MemberRule>[] => [exportRoute(deps)];

/** All events of a search as a file, page by page, so that neither side needs memory for all. */
const exportRoute = ({ workspace, clock }: EventRoutesDeps): Route<MemberRule> =>
  memberRoute({
    method: "GET",
    path: "/api/events/export",
    operationId: "exportEvents",
    tag: "Events",
    summary: "Streams the events of a search as CSV or NDJSON, newest first",
    description:
      "In CSV, text that a spreadsheet would run as a formula gets an apostrophe in front. If a read fails after the first events were sent, the connection is closed before the end.",
    rule: FOLLOW_EVENTS,
    query: Search.extend({
      format: z.enum(["csv", "ndjson"]),
      fields: z
        .string()
        .max(4_000)
        .optional()
        .describe("The columns of the CSV file, separated by commas"),
    }),
    responses: { 200: { description: "The events", media: "text/csv" } },
    async handle({ query, caller, signal }) {
      const { format, fields, ...search } = query;
      const store = forAsker(workspace().store, { signal, asker: caller.id });
      const parsed = await parseSearch(search, store, clock);
      const columns = fields === undefined ? CSV_FIELDS : fields.split(",");
      const line = format === "csv" ? csvOf(columns) : ndjsonOf;
      const header = format === "csv" ? csvLine(columns) : "";
      const pages = pagesOf(store, parsed);
      // Read before the status is sent, so that a search that fails is answered with its problem.
      const first = await pages.next();
      const lines = linesOf({ first, pages, header, line });
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const part = await lines.next();
            if (part.done) controller.close();
            else controller.enqueue(part.value);
          },
          cancel: async () => void (await lines.return(undefined)),
        },
        { highWaterMark: 1 },
      );
      const { media, name } = FORMATS[format];
      return new Response(body, {
        headers: {
          "content-type": media,
          "content-disposition": `attachment; filename="${name}"`,
          "cache-control": "no-store",
        },
      });
    },
  });

type Pages = AsyncGenerator<EventDocument[], void>;
type Line = (event: EventDocument) => string;

const csvOf =
  (columns: readonly string[]): Line =>
  ({ fields }) =>
    csvLine(columns.map((column) => fields[column]));

const ndjsonOf: Line = ({ id, fields }) => `${JSON.stringify({ id, ...fields })}\n`;

async function* pagesOf(
  store: Pick<EventReader, "search">,
  { fromMs, toMs, where }: TimeRange & Pick<SearchRequest, "where">,
): Pages {
  let after: SearchRequest["after"];
  for (;;) {
    const request = { fromMs, toMs, where, limit: PAGE_EVENTS };
    const events = await store.search(after ? { ...request, after } : request);
    if (events.length > 0) yield events;
    const last = events.at(-1);
    if (!last || events.length < PAGE_EVENTS) return;
    after = { tMs: Date.parse(String(last.fields["@timestamp"])), id: last.id };
  }
}

const encoder = new TextEncoder();

async function* linesOf(of: {
  first: IteratorResult<EventDocument[], void>;
  pages: Pages;
  header: string;
  line: Line;
}): AsyncGenerator<Uint8Array, void> {
  yield encoder.encode(of.header);
  for (let page = of.first; !page.done; page = await of.pages.next()) {
    yield encoder.encode(page.value.map(of.line).join(""));
  }
}
