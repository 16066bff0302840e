import type { Metadata } from "next";
import { cookies, headers } from "next/headers";

import { fromHeader, PROBLEMS_HEADER } from "#dashboards/problems/page-header.ts";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";
import { SourcesPage } from "#dashboards/sources/sources-page.tsx";

export const metadata: Metadata = { title: "Sources" };

export default async function Page() {
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  const problems = fromHeader((await headers()).get(PROBLEMS_HEADER));
  return <SourcesPage theme={theme} problems={problems} />;
}
