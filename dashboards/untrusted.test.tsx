import { expect, test } from "vitest";

import { Facets } from "./explore/facets.tsx";
import { SearchBox } from "./explore/search-box.tsx";
import { DatasetChooser } from "./panels/dataset-chooser.tsx";
import { Problems } from "./problems/problems.tsx";
import { renderWithRouter } from "./testing-render.tsx";

const HOSTILE = "shop\u202Egnp.\u2066\u0007\u200B";
const INVISIBLE = /(?!\n)[\p{Cc}\p{Cf}]/u;
const nothing = (): void => undefined;

/** The text and the labels that a page shows, without the values that its forms send and the marks of escapes. */
const shownBy = (page: React.ReactElement): string =>
  renderWithRouter(page).replaceAll(/ value="[^"]*"|<\/?span[^>]*>/g, "");

const extent = { dataset: HOSTILE, rows: 1, fromMs: 0, toMs: 1 };
const problem = {
  type: "about:blank",
  title: "Bad request",
  status: 400,
  detail: `column 7: ${HOSTILE} is not a field`,
};

const now = { live: false, atMs: 1 };

test.each([
  [
    "the datasets of a board",
    <DatasetChooser
      key="1"
      dataset={HOSTILE}
      datasets={[extent]}
      datasetsTotal={1}
      choose={nothing}
    />,
  ],
  [
    "facets",
    <Facets
      key="2"
      overview={{ facets: [{ field: "url.path", values: [{ value: HOSTILE, count: 1 }] }], ...now }}
      search=""
      query=""
      zone="utc"
      onToggle={nothing}
      onExclude={nothing}
    />,
  ],
  [
    "a refused search",
    <SearchBox
      key="3"
      query={HOSTILE}
      onSearch={nothing}
      problem={problem}
      hints={[]}
      field={{ current: null }}
      label="Search events"
      placeholder=""
      action="Search"
    />,
  ],
  [
    "problems",
    <Problems
      onDemo={() => undefined}
      onRefused={() => undefined}
      key="4"
      initial={[{ id: "1", level: "error", message: HOSTILE, action: HOSTILE, sinceMs: 0 }]}
      zone="utc"
    />,
  ],
])("%s show control characters as escapes", (_name, page) => {
  const shown = shownBy(page);
  expect(shown).not.toMatch(INVISIBLE);
  expect(shown).toContain(String.raw`\u{202e}gnp.\u{2066}\x07\u{200b}`);
});

test("the mark below a refused search stands under the mistake, also after an escape", () => {
  const page = (
    <SearchBox
      query={HOSTILE}
      onSearch={nothing}
      problem={problem}
      hints={[]}
      field={{ current: null }}
      label="Search events"
      placeholder=""
      action="Search"
    />
  );
  const [, query = "", mark = ""] = /<pre[^>]*>([^\n]*)\n([^<]*)/.exec(shownBy(page)) ?? [];
  expect(query.indexOf("np.")).toBe(mark.indexOf("^"));
});
