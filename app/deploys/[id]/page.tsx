import type { Metadata } from "next";
import { cookies, headers } from "next/headers";

import { DeployPage } from "#dashboards/deploys/detail/deploy-page.tsx";
import { fromHeader, PROBLEMS_HEADER } from "#dashboards/problems/page-header.ts";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";

export const metadata: Metadata = { title: "Deploy" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  const problems = fromHeader((await headers()).get(PROBLEMS_HEADER));
  return <DeployPage id={(await params).id} theme={theme} problems={problems} />;
}
