import type { Metadata } from "next";
import { cookies } from "next/headers";

import { ExplorePage } from "#dashboards/explore/explore-page.tsx";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";

export const metadata: Metadata = { title: "Explore" };

export default async function Page() {
  return <ExplorePage theme={parseTheme((await cookies()).get(THEME_COOKIE)?.value)} />;
}
