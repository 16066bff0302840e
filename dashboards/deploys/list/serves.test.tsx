import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";

import { servedBy, Serves } from "./serves.tsx";

const shown = (of: Parameters<typeof servedBy>[0]): string =>
  renderToStaticMarkup(<Serves served={servedBy(of)} />)
    .replaceAll("</div>", "; ")
    .replaceAll(/<[^>]*>/g, "")
    .trim();

const by = (shareBp: number) => ({ release: "r2", shareBp });

test("the releases that get requests are shown with their shares, as far as a deploy is", () => {
  const steady = { live: "green", release: "r1", active: null } as const;
  expect(shown(steady)).toBe("r1 ● green;");
  expect(shown({ ...steady, active: by(0) })).toBe("r1 ● green;");
  expect(shown({ ...steady, active: by(500) })).toBe("r1 ● green 95 %; r2 ■ blue 5 %;");
  // Until the old tasks stop, its colour is not live yet, but serves alone.
  expect(shown({ ...steady, active: by(10_000) })).toBe("r2 ■ blue;");
});

test("before its first deploy a workload serves nothing", () => {
  const never = { live: "blue", release: null, active: null } as const;
  expect(shown(never)).toBe("never deployed");
  expect(shown({ ...never, active: by(10_000) })).toBe("r2 ● green;");
});
