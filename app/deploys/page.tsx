import type { Metadata } from "next";
import { cookies, headers } from "next/headers";

import { DeploysPage } from "#dashboards/deploys/list/deploys-page.tsx";
import { fromHeader, PROBLEMS_HEADER } from "#dashboards/problems/page-header.ts";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";

export const metadata: Metadata = { title: "Deploys" };

export default async function Page() {
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  const problems = fromHeader((await headers()).get(PROBLEMS_HEADER));
  return <DeploysPage theme={theme} problems={problems} />;
}
